import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import type { LeaderWork } from '../leadership/leadership.ts';
import type { CertificateStore } from '../store/certificates.ts';

/** Rows per statement: each is over in milliseconds, so that issuing does not wait. */
const batch = 1_000;
const everyMilliseconds = 3_600_000;

export interface RetentionParts {
  /** Of the work, among those of a leader. */
  readonly name: string;
  readonly records: Pick<CertificateStore, 'deleteExpired'>;
  readonly clock: Clock;
  /** How long a record is kept after what it is of has expired. */
  readonly retentionSeconds: number;
  readonly onDeleted: (count: number) => void;
  readonly onFailed: (error: unknown) => void;
}

/** Deletes records of what expired long ago, so that their table does not grow for ever. */
export interface Retention extends LeaderWork {
  /** One sweep, now; failures go to `onFailed`, and the next sweep comes in an hour. */
  sweep(): Promise<void>;
}

export function createRetention(parts: RetentionParts): Retention {
  let timer: NodeJS.Timeout | undefined;
  let sweeping: Promise<void> = Promise.resolve();
  let stopped = false;

  async function deleteAll(): Promise<void> {
    const before = new Date(parts.clock.now() - parts.retentionSeconds * 1000);
    let total = 0;
    try {
      for (let deleted = batch; deleted >= batch && !stopped; total += deleted) {
        deleted = await parts.records.deleteExpired(before, batch);
        await pause(10);
      }
    } catch (error) {
      parts.onFailed(error);
    }
    if (total > 0) parts.onDeleted(total);
  }

  function sweep(): Promise<void> {
    sweeping = sweeping.then(deleteAll);
    return sweeping;
  }

  return {
    name: parts.name,
    sweep,
    async start() {
      stopped = false;
      timer = setInterval(sweep, everyMilliseconds);
      timer.unref();
      void sweep();
    },
    async stop() {
      stopped = true;
      clearInterval(timer);
      await sweeping;
    },
  };
}
