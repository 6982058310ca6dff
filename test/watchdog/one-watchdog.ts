import type { TestContext } from 'node:test';
import { setImmediate as turnOfOthers } from 'node:timers/promises';
import type { Term } from '../../src/leadership/leadership.ts';
import type { SeenPlace } from '../../src/store/published-places.ts';
import type { Content, WatchedPlace } from '../../src/watchdog/content.ts';
import { createWatchdog } from '../../src/watchdog/create-watchdog.ts';
import { createExpectation } from '../../src/watchdog/expectation.ts';
import type { Judgement } from '../../src/watchdog/judge.ts';
import { createTestClock, type TestClock } from '../support/clock.ts';
import { hour, start } from './published.ts';

export const minute = 60;
const overlapSeconds = 5 * 3_600;

/** A place whose content a test decides. */
export function placeWith(id: string, graceSeconds = minute) {
  const state = { content: crl(1n) as Content | Error, looks: 0, doubts: 0, mayHaveCrls: true, hangs: false };
  const place: WatchedPlace = {
    id,
    graceSeconds,
    wanted: () => ({ crlsOf: state.mayHaveCrls ? ['ca'] : [], mayHaveCrls: state.mayHaveCrls }),
    async look() {
      state.looks += 1;
      if (state.hangs) await new Promise(() => undefined);
      if (state.content instanceof Error) throw state.content;
      return state.content;
    },
    doubt() {
      state.doubts += 1;
    },
  };
  return { place, state };
}

export function crl(number: bigint, from = start, hours = 10): Content {
  const times = { thisUpdate: new Date(from), nextUpdate: new Date(from + hours * hour) };
  return { kind: 'content', crls: [{ authority: 'ca', number, ...times }] };
}

interface Before {
  readonly clock: TestClock;
  readonly database: { away: boolean; latest: bigint; createdAt: Date; rows: Map<string, SeenPlace> };
}

/** @param before a replica that led before, whose clock and database this one has */
export function setUp(t: TestContext, before?: Before) {
  const clock = before?.clock ?? createTestClock(start);
  const self = placeWith('self:/crl/ca.crl');
  const own = placeWith('secret:pki/internal-ca');
  const shop = placeWith('secret:shop/internal-ca');
  const database = before?.database ?? {
    ...{ away: false, latest: 1n, createdAt: new Date(start) },
    rows: new Map<string, SeenPlace>(),
  };
  const asking = () => {
    if (database.away) throw new Error('the database is away');
  };
  const told: string[] = [];
  const rechecked: string[] = [];
  const turns: string[] = [];
  const places = {
    everywhere: () => [own.place, shop.place],
    turn: [] as WatchedPlace[],
    onWishes: () => undefined as unknown,
    unlistedLooks: 0,
  };
  const latest = async () => {
    asking();
    const { latest: number, createdAt } = database;
    return { number, createdAt } as never;
  };
  const watchdog = createWatchdog({
    intervalMs: 300_000,
    overlapSeconds,
    expectation: createExpectation({ latest }, [{ name: 'ca' }], clock, 6 * minute),
    unlisted: {
      async refresh() {
        places.unlistedLooks += 1;
      },
      list: () => [],
    },
    async refreshWishes() {
      asking();
      places.onWishes();
    },
    servedHere: () => ({ needed: [self.place], turn: () => places.turn }),
    nearby: async () => [own.place],
    everywhere: async () => places.everywhere(),
    store: {
      async list() {
        asking();
        return [...database.rows.values()];
      },
      async save(seen) {
        asking();
        for (const each of seen) database.rows.set(each.place, each);
      },
      async retain(ids) {
        asking();
        for (const id of database.rows.keys()) if (!ids.includes(id)) database.rows.delete(id);
      },
    },
    events: {
      turned: (place: WatchedPlace, { finding }: Judgement) => void turns.push(`${place.id} ${finding}`),
    },
    recheck: (id) => void rechecked.push(id),
    clock,
    log: {
      info: (facts: unknown) => void told.push(JSON.stringify(facts)),
      warn: (facts: unknown) => void told.push(JSON.stringify(facts)),
    },
  });
  t.after(() => watchdog.close());
  const abort = new AbortController();
  const term: Term = { epoch: 1n, signal: abort.signal, assertCurrent: async () => undefined };
  return {
    ...{ clock, self, own, shop, database, told, rechecked, turns, places, watchdog },
    async begin(leading = true) {
      await watchdog.start('http://127.0.0.1:1');
      if (leading) await watchdog.leaderWork.start(term);
      await watchdog.look();
    },
    async endTerm() {
      abort.abort();
      await watchdog.leaderWork.stop();
      await watchdog.look();
    },
    /** The findings after another round, some seconds later. */
    async after(seconds: number): Promise<Record<string, string>> {
      clock.advance(seconds);
      await watchdog.look();
      return Object.fromEntries([...watchdog.figures.faults()].map(({ place, finding }) => [place, finding]));
    },
  };
}

export const shopId = 'secret:shop/internal-ca';

/** They pass, and what was to be done in them is. */
export async function minutes(t: TestContext, clock: TestClock, count: number): Promise<void> {
  for (let second = 0; second < count * minute; second += 1) {
    clock.advance(1);
    t.mock.timers.tick(1_000);
    for (let time = 0; time < 5; time += 1) await turnOfOthers();
  }
}
