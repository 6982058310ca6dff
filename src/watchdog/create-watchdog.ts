import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import { Fault } from '../fault.ts';
import type { Term } from '../leadership/leadership.ts';
import type { Logger } from '../observability/logger.ts';
import { createTrouble } from '../reconcile/trouble.ts';
import type { PublishedPlaceStore, SeenPlace } from '../store/published-places.ts';
import { ownPrefix, type ServedHere, type WatchedPlace } from './content.ts';
import type { Expectation } from './expectation.ts';
import { type Judgement, judge, judgeAge } from './judge.ts';
import { createPlaceBook } from './place-book.ts';
import type { Unlisted } from './unlisted.ts';
import type { Watchdog } from './watchdog.ts';
import type { WatchdogEvents } from './watchdog-events.ts';

export interface WatchdogParts {
  readonly intervalMs: number;
  readonly overlapSeconds: number;
  readonly expectation: Expectation;
  readonly unlisted: Unlisted;
  /** What the database says of the copies. @throws Fault `database-unavailable`; what was known stands */
  refreshWishes(): Promise<void>;
  /** What this process serves at `url`. */
  servedHere(url: string): ServedHere;
  /** What every replica looks at beside that. */
  nearby(): Promise<readonly WatchedPlace[]>;
  /** What the one that leads looks at beside what it serves. */
  everywhere(): Promise<readonly WatchedPlace[]>;
  readonly store: PublishedPlaceStore;
  readonly events: WatchdogEvents;
  /** A copy is not well: whoever keeps it is to look, whatever it remembers. */
  recheck(place: string): void;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

/** Places read at the same time. Reading all of them takes a part of one core, and never all of it: see `rest`. */
const parallelLooks = 2;
/** What is in doubt is looked at again after this time. */
const againMs = 60_000;

export function createWatchdog(parts: WatchdogParts): Watchdog {
  const { clock, log, store, expectation, overlapSeconds, intervalMs } = parts;
  const trouble = createTrouble();
  const book = createPlaceBook({
    clock,
    judge: (place, content) =>
      judge(place, content, { now: clock.now(), overlapSeconds, expected: expectation }),
    judgeAge: (place, content) => judgeAge(place, content, { now: clock.now(), overlapSeconds }),
    unreadPatienceMs: Math.max(2 * intervalMs, 2 * againMs),
    onTurn,
  });
  let here: ServedHere = { needed: [], turn: () => [] };
  let term: Term | undefined;
  let roundAt = clock.now();
  let turn: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let again: NodeJS.Timeout | undefined;
  const closing = new AbortController();

  const listens = () => here.needed.length > 0;
  const leads = () => term !== undefined && !term.signal.aborted;

  function onTurn(place: WatchedPlace, judgement: Judgement): void {
    const { finding, detail } = judgement;
    if (finding === 'current') log.info({ place: place.id }, 'what is published there is current again');
    else
      log.warn(
        { place: place.id, finding, reason: detail },
        'what is published there is not as it should be',
      );
    if (leads()) parts.events.turned(place, judgement);
  }

  /** One after the other: of two rounds at once the later one would judge by what the earlier one has just read. */
  function inTurn(work: () => Promise<void>): Promise<void> {
    const run = turn.then(async () => {
      if (closing.signal.aborted) return;
      await work().catch((error: unknown) =>
        log.warn({ err: error }, 'a round of the watchdog did not end well'),
      );
    });
    turn = run;
    return run;
  }

  async function tryDatabase(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      trouble.over();
    } catch (error) {
      if (trouble.isNews(error))
        log.warn({ err: error }, 'the watchdog judges by what it knew last: the database is away');
    }
  }

  async function round(): Promise<void> {
    // It looks at all of them; and one that is no place any more by then must not be looked at for ever.
    clearTimeout(again);
    await tryDatabase(async () => {
      await expectation.refresh();
      await parts.unlisted.refresh();
      await parts.refreshWishes();
    });
    const leading = leads();
    // A term that ends, and a process that does, must not wait for an API server or an address that does not answer.
    const over = term === undefined ? closing.signal : AbortSignal.any([closing.signal, term.signal]);
    const listed = await unlessOver(over, leading ? parts.everywhere() : parts.nearby());
    if (listed === undefined) return;
    const places = [...here.needed, ...here.turn(), ...listed];
    const ids = new Set(places.map(({ id }) => id));
    book.retain(ids);
    await recall(places);
    await lookAt(places, over);
    if (over.aborted) return;
    if (leading) await tryDatabase(() => store.retain([...ids].filter((id) => !isOwn(id))));
    roundAt = clock.now();
  }

  /** What whoever looked before has told of is neither told of twice nor taken back before it is well. */
  async function recall(places: readonly WatchedPlace[]): Promise<void> {
    const strange = places.filter(({ id }) => !isOwn(id) && book.get(id) === undefined);
    if (strange.length === 0) return;
    await tryDatabase(async () => {
      const faults = (await store.list()).filter(({ finding }) => finding !== 'current');
      const told = new Map(faults.map((seen) => [seen.place, seen]));
      for (const place of strange) {
        const seen = told.get(place.id);
        if (seen !== undefined) book.recall(place, seen);
      }
    });
  }

  async function lookAt(places: readonly WatchedPlace[], over: AbortSignal): Promise<void> {
    const waiting = [...places];
    const doubtful: WatchedPlace[] = [];
    const workers = Array.from({ length: parallelLooks }, async () => {
      for (let place = waiting.shift(); place !== undefined; place = waiting.shift()) {
        const started = performance.now();
        if (!(await lookOnce(place, over))) doubtful.push(place);
        if (over.aborted) return;
        await rest(performance.now() - started, over);
      }
    });
    await Promise.all(workers);
    if (over.aborted) return;
    const ids = new Set(places.map(({ id }) => id));
    await tryDatabase(() => store.save(shared().filter(({ place }) => ids.has(place))));
    if (doubtful.length > 0) lookAgain(doubtful, over);
  }

  /** As long as the look took, so that requests have the other half of the time. */
  async function rest(ms: number, signal: AbortSignal): Promise<void> {
    if (ms < 1) return;
    await pause(Math.min(ms, 1_000), undefined, { signal, ref: false }).catch(() => undefined);
  }

  /** @returns whether it is well, or nobody asks any more */
  async function lookOnce(place: WatchedPlace, over: AbortSignal): Promise<boolean> {
    let isWell: boolean;
    try {
      const content = await unlessOver(over, place.look(over));
      if (content === undefined) return true;
      isWell = book.read(place, content);
    } catch (error) {
      isWell = book.unread(place, error);
    }
    if (isWell) return true;
    place.doubt();
    if (leads()) parts.recheck(place.id);
    return false;
  }

  function lookAgain(places: readonly WatchedPlace[], over: AbortSignal): void {
    clearTimeout(again);
    again = setTimeout(() => void inTurn(() => lookAtDoubtful(places, over)), Math.min(againMs, intervalMs));
    again.unref();
  }

  async function lookAtDoubtful(places: readonly WatchedPlace[], over: AbortSignal): Promise<void> {
    // What was missed may be wanted by nobody by now, or have lost its namespace.
    await tryDatabase(() => parts.refreshWishes());
    // A round may have come between, that knows of fewer places.
    await lookAt(
      places.filter(({ id }) => book.get(id) !== undefined),
      over,
    );
  }

  const shared = (): SeenPlace[] => book.seen().filter(({ place }) => !isOwn(place));

  function schedule(): void {
    if (closing.signal.aborted) return;
    timer = setTimeout(() => void inTurn(round).then(schedule), intervalMs);
    timer.unref();
  }

  async function assertServing(): Promise<void> {
    // Also what is well was looked at some minutes ago, and a CRL lapses between two looks.
    if (whyNotServing() !== undefined) await lookHere();
    const why = whyNotServing();
    if (why !== undefined) throw new Fault('conflict', why);
  }

  function whyNotServing(): string | undefined {
    if (!listens()) return 'the service does not listen yet';
    for (const { id } of here.needed) {
      const { crls = [], detail } = book.get(id) ?? {};
      if (crls.length === 0) return `no CRL can be read from ${id}: ${detail ?? 'see the log'}`;
      const lapsed = crls.find(({ nextUpdate }) => nextUpdate.getTime() <= clock.now());
      if (lapsed !== undefined)
        return `the CRL of ${lapsed.authority} lapsed at ${lapsed.nextUpdate.toISOString()}`;
    }
    return undefined;
  }

  async function lookHere(): Promise<void> {
    for (const place of here.needed) await lookOnce(place, closing.signal);
  }

  return {
    async start(url) {
      here = parts.servedHere(url);
      await inTurn(lookHere);
      void inTurn(round).then(schedule);
    },
    look: () => inTurn(round),
    assertServing,
    async seen() {
      const places = new Map<string, SeenPlace>();
      const recorded = await store.list().catch((error: unknown) => {
        if (!leads()) throw error;
        return [];
      });
      for (const seen of shared()) places.set(seen.place, seen);
      for (const seen of recorded) {
        const known = places.get(seen.place);
        if (known === undefined || known.at < seen.at) places.set(seen.place, seen);
      }
      return [...places.values()].sort((a, b) => (a.place < b.place ? -1 : 1));
    },
    leaderWork: {
      name: 'watchdog',
      async start(begun) {
        term = begun;
        if (listens()) void inTurn(round);
      },
      async stop() {
        term = undefined;
        await turn;
        // Whoever leads next tells of the other places.
        if (listens()) void inTurn(round);
      },
    },
    figures: {
      *crls() {
        for (const { place, crls } of book.list())
          for (const { authority, nextUpdate } of crls) yield { place, authority, nextUpdate };
      },
      *faults() {
        for (const { place, finding } of book.list()) if (finding !== 'current') yield { place, finding };
      },
      unlisted: () => parts.unlisted.list(),
      get places() {
        return book.list().length;
      },
      get roundAt() {
        return roundAt;
      },
      intervalSeconds: intervalMs / 1000,
    },
    async close() {
      closing.abort();
      clearTimeout(timer);
      clearTimeout(again);
      await turn;
    },
  };
}

function isOwn(id: string): boolean {
  return id.startsWith(ownPrefix);
}

/** Undefined as soon as it is over; what was asked for may still be on its way, and is dropped. */
async function unlessOver<T>(over: AbortSignal, work: Promise<T>): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const stop = () => resolve(undefined);
  if (over.aborted) stop();
  over.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([work, promise]);
  } catch (error) {
    if (over.aborted) return undefined;
    throw error;
  } finally {
    over.removeEventListener('abort', stop);
  }
}
