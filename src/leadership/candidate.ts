import type { LeadershipRecord, LeadershipStore } from '../store/leadership.ts';
import type { LeaseLock } from './lease-lock.ts';
import { createObservation, type MonotonicClock } from './observation.ts';

export interface CandidateParts {
  readonly identity: string;
  readonly store: LeadershipStore;
  /** Absent without Kubernetes: then the database elects. */
  readonly lease: LeaseLock | undefined;
  readonly leaseMs: number;
  /** No other process has this database, so whoever stands in it has ended. */
  readonly alone: boolean;
  readonly monotonic: MonotonicClock;
  /** The API server did not answer, or does not let us. */
  readonly onLeaseFailed: (error: unknown) => void;
  readonly onLeaseAnswered: () => void;
}

export type Outcome =
  | {
      readonly kind: 'granted';
      readonly epoch: bigint;
      /** The moment from which it counts, by the monotonic clock: before we asked. */
      readonly at: number;
      /** Work begins only after this time: the leader before us may still believe that it leads. */
      readonly settleMs: number;
      /** False: the database did not answer, but nobody else can lead while the Lease is ours. */
      readonly databaseKnows: boolean;
    }
  | { readonly kind: 'denied' }
  /** Nobody answered: what we had stands until it runs out. */
  | { readonly kind: 'unknown'; readonly error: unknown };

/** One process that would lead: asks the Lease, and then the database, which gives the number of the term. */
export interface Candidate {
  /**
   * Renews the term `epoch`, or asks for a new one.
   * @param reluctant a place that was given up is taken only when nobody else takes it within the time of a lease
   */
  seek(epoch: bigint | undefined, reluctant: boolean): Promise<Outcome>;
  /** The present term as last seen in the database. */
  readonly record: LeadershipRecord | undefined;
  readonly electedBy: 'lease' | 'database';
  /** Lets go of whatever of Lease and term is ours. @throws what the API server or the database answered */
  release(): Promise<void>;
}

/** A leader stops by itself after this part of the time after which it may be replaced. */
export const selfImposedPart = 2 / 3;

/** An API server that does not answer must leave time to renew in the database. */
const leasePatiencePart = 1 / 4;

interface Ballot {
  readonly vote: 'held' | 'other' | 'unreachable' | 'absent';
  /** When the question was sent. */
  readonly at: number;
}

export function createCandidate(parts: CandidateParts): Candidate {
  const { identity, store, lease, leaseMs, alone, monotonic } = parts;
  const observation = createObservation(monotonic);
  let record: LeadershipRecord | undefined;
  let electedBy: 'lease' | 'database' = lease === undefined ? 'database' : 'lease';
  let asking: Promise<Ballot> | undefined;

  async function ask(question: LeaseLock, vacantMs: number): Promise<Ballot> {
    const at = monotonic();
    try {
      const vote = await question.tryHold(vacantMs);
      parts.onLeaseAnswered();
      return { vote, at };
    } catch (error) {
      parts.onLeaseFailed(error);
      return { vote: 'unreachable', at };
    } finally {
      asking = undefined;
    }
  }

  async function ballot(reluctant: boolean): Promise<Ballot> {
    if (lease === undefined) return { vote: 'absent', at: monotonic() };
    // At most one question at a time: one that was given up on may still be answered.
    asking ??= ask(lease, reluctant ? leaseMs : 0);
    const late: Ballot = { vote: 'unreachable', at: monotonic() };
    const answer = await Promise.race([asking, after(leaseMs * leasePatiencePart, late)]);
    electedBy = answer.vote === 'unreachable' ? 'database' : 'lease';
    return answer;
  }

  /** Whoever holds the Lease takes a place that is vacant at its next look; without the Lease that is waited for. */
  function mayTake(present: LeadershipRecord, by: Ballot['vote'], reluctant: boolean): boolean {
    record = present;
    const unchanged = observation.unchangedMs(`${present.epoch} ${present.holder} ${present.renewal}`);
    if (by === 'held' || alone) return true;
    if (present.holder === identity) return true;
    if (present.holder !== undefined) return unchanged >= present.leaseMs;
    if (reluctant) return unchanged >= leaseMs;
    return by === 'absent' || unchanged >= leaseMs / 2;
  }

  async function claim(by: Ballot['vote'], reluctant: boolean): Promise<Outcome> {
    const seen = await store.read();
    // Looking costs nobody a lock; only who would take it asks for one.
    if (seen !== undefined && !mayTake(seen, by, reluctant)) return { kind: 'denied' };
    const at = monotonic();
    const claimed = await store.claim(identity, leaseMs, (present) => mayTake(present, by, reluctant));
    if (claimed === undefined) return { kind: 'denied' };
    record = { epoch: claimed.epoch, holder: identity, renewal: '', ageMs: 0, leaseMs };
    return {
      kind: 'granted',
      epoch: claimed.epoch,
      at,
      settleMs: settleMs(claimed.previous),
      databaseKnows: true,
    };
  }

  /** Whoever renews in the database alone, since the API server is out of its reach, learns late that the Lease is ours. */
  function settleMs(previous: LeadershipRecord | undefined): number {
    if (previous?.holder === undefined || previous.holder === identity || alone) return 0;
    return Math.max(0, previous.leaseMs * selfImposedPart - Math.max(0, previous.ageMs));
  }

  async function renew(epoch: bigint): Promise<Outcome> {
    const at = monotonic();
    if (!(await store.renew(identity, epoch))) return { kind: 'denied' };
    return { kind: 'granted', epoch, at, settleMs: 0, databaseKnows: true };
  }

  return {
    get record() {
      return record;
    },
    get electedBy() {
      return electedBy;
    },
    async seek(epoch, reluctant) {
      const { vote: by, at } = await ballot(reluctant);
      try {
        if (by === 'other') {
          record = await store.read();
          return { kind: 'denied' };
        }
        return await (epoch === undefined ? claim(by, reluctant) : renew(epoch));
      } catch (error) {
        if (by === 'other') return { kind: 'denied' };
        if (by !== 'held' || epoch === undefined) return { kind: 'unknown', error };
        return { kind: 'granted', epoch, at, settleMs: 0, databaseKnows: false };
      }
    },
    async release() {
      // An answer that is still on its way might take the Lease again.
      const letLeaseGo = async (): Promise<void> => {
        await asking;
        await lease?.release();
      };
      const results = await Promise.allSettled([store.release(identity), letLeaseGo()]);
      for (const result of results) if (result.status === 'rejected') throw result.reason;
    },
  };
}

async function after<T>(ms: number, value: T): Promise<T> {
  return new Promise((resolve) => setTimeout(resolve, ms, value).unref());
}
