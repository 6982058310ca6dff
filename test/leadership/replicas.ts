import { setTimeout as delay } from 'node:timers/promises';
import { Fault } from '../../src/fault.ts';
import { createCandidate } from '../../src/leadership/candidate.ts';
import { createLeadership, type RunningLeadership } from '../../src/leadership/create-leadership.ts';
import type { LeaderWork, Term } from '../../src/leadership/leadership.ts';
import type { LeaseLock, LeaseVote } from '../../src/leadership/lease-lock.ts';
import type { Database } from '../../src/store/database.ts';
import { createLeadershipStore, type LeadershipStore } from '../../src/store/leadership.ts';
import type { TestScope } from '../support/database.ts';

/** Short, so that a test need not wait for long; the ratios are those of the service. */
export const leaseMs = 1_500;

/** What happened, in order: `a works 5`, `a stops 5`. */
export type Journal = string[];

export interface Replica {
  readonly name: string;
  readonly leadership: RunningLeadership;
  start(): Promise<void>;
  /** Whether this replica reaches the database. */
  connected: boolean;
  /** How the Lease answers this replica; `away` throws. With `withLease` only. */
  vote: LeaseVote | 'away';
  readonly leaseReleases: number;
  /** Resolves when its work may end; before, `stop` waits. */
  mayStop: Promise<void>;
  /** As many starts of its work fail. */
  failures: number;
  readonly term: Term | undefined;
}

export interface ReplicaOptions {
  readonly withLease?: boolean;
  readonly alone?: boolean;
}

/** One process of several, but for the process. Closed after the test. */
export function createReplica(
  t: TestScope,
  db: Database,
  name: string,
  journal: Journal,
  { withLease = false, alone = false }: ReplicaOptions = {},
): Replica {
  let term: Term | undefined;
  let leaseReleases = 0;
  const store = cutOff(createLeadershipStore(db), () => !replica.connected);
  const lease: LeaseLock = {
    holder: undefined,
    async tryHold() {
      if (replica.vote === 'away') throw new Fault('kubernetes-unavailable', 'away');
      return replica.vote;
    },
    async release() {
      leaseReleases += 1;
    },
  };
  const monotonic = (): number => performance.now();
  const leadership = createLeadership({
    candidate: createCandidate({
      identity: name,
      store,
      lease: withLease ? lease : undefined,
      leaseMs,
      alone,
      monotonic,
      onLeaseFailed: () => undefined,
      onLeaseAnswered: () => undefined,
    }),
    store,
    leaseMs,
    alone,
    clock: { now: () => Date.now() },
    monotonic,
    log: { info: () => undefined, warn: () => undefined },
    onStatus: () => undefined,
    onVacant: () => undefined,
  });
  const replica: Replica = {
    name,
    leadership,
    start: () => leadership.start([work]),
    connected: true,
    vote: 'other',
    get leaseReleases() {
      return leaseReleases;
    },
    mayStop: Promise.resolve(),
    failures: 0,
    get term() {
      return term;
    },
  };
  t.after(() => leadership.close());
  const work: LeaderWork = {
    name: 'test',
    async start(next) {
      if (replica.failures > 0) {
        replica.failures -= 1;
        throw new Error('not yet');
      }
      term = next;
      journal.push(`${name} works`);
      next.signal.addEventListener('abort', () => journal.push(`${name} is told`));
    },
    async stop() {
      await replica.mayStop;
      await delay(5);
      journal.push(`${name} stops`);
    },
  };
  return replica;
}

function cutOff(store: LeadershipStore, isCut: () => boolean): LeadershipStore {
  const guarded = async <T>(ask: () => Promise<T>): Promise<T> => {
    if (isCut()) throw new Fault('database-unavailable', 'away');
    const answer = await ask();
    if (isCut()) throw new Fault('database-unavailable', 'away');
    return answer;
  };
  return {
    read: () => guarded(() => store.read()),
    claim: (...asked) => guarded(() => store.claim(...asked)),
    renew: (...asked) => guarded(() => store.renew(...asked)),
    release: (...asked) => guarded(() => store.release(...asked)),
  };
}
