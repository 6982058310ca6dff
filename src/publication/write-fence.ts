import { Fault } from '../fault.ts';
import type { Term } from '../leadership/leadership.ts';
import { NotLeading } from '../store/leadership.ts';

/** Keeps whoever no longer leads from writing over what a later leader wrote. */
export interface WriteFence {
  /**
   * Asked for each write, after the copy was read and before it is written: in between, the copy's version guards it.
   * @param found the epoch of the copy that stands there; 0 when there is none
   * @returns the epoch to write with
   * @throws NotLeading; Fault `database-unavailable`
   */
  epoch(found: bigint): Promise<bigint>;
}

/**
 * Of a leader. While its term lasts nobody else can have begun one, so a database that is away does not stop a repair;
 * unless the copy tells of a later term.
 *
 * A later epoch that the database does not know is none: it knows each term before its first copy is written. Such a copy
 * is left from another database or was edited, and is written over.
 */
export function leaderFence(term: Term): WriteFence {
  return {
    async epoch(found) {
      try {
        await term.assertCurrent();
      } catch (error) {
        const unknown = error instanceof Fault && error.code === 'database-unavailable';
        if (!unknown || found > term.epoch) throw error;
      }
      if (term.signal.aborted) throw new NotLeading(term.epoch);
      return term.epoch;
    },
  };
}

/** Of a replica that answers a request: it writes in the name of whoever leads now. */
export function requestFence(currentEpoch: () => Promise<bigint>): WriteFence {
  return { epoch: currentEpoch };
}
