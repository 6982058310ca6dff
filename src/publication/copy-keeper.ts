import type { Clock } from '../clock.ts';
import { Fault } from '../fault.ts';
import { type BackOffSettings, createBackOff } from '../kubernetes/client.ts';
import type { PublishedCopy } from './publisher.ts';
import type { Target, WrittenCopy } from './target.ts';
import type { TrustMaterial } from './trust-material.ts';

export interface CopyKeeperOptions {
  readonly target: Target;
  /** The newest material; read at each attempt, so that a late attempt never carries old material. */
  material(): TrustMaterial | undefined;
  readonly clock: Clock;
  readonly retry: BackOffSettings;
  /** Asked before an attempt of our own accord: the copy may have been undone elsewhere. */
  isWanted(): Promise<boolean>;
  onUnwanted(): void;
  onWritten(copy: WrittenCopy): void;
  onFailed(error: unknown): void;
}

/** Keeps one copy current: one attempt at a time, and after a failure another one until it is written. */
export interface CopyKeeper {
  readonly id: string;
  /** The version of the Secret that we know to be right. */
  readonly resourceVersion: string | undefined;
  /** Writes now. Throws what the target throws, and then goes on trying by itself. */
  bring(): Promise<void>;
  /** Writes in a while, unless `seen` turns out to be our own write. */
  bringSoon(delayMs: number, seen?: string): void;
  /** Waits for a running attempt and runs `work` in its place. */
  exclusively<T>(work: () => Promise<T>): Promise<T>;
  status(): PublishedCopy;
  close(): void;
}

export function createCopyKeeper(o: CopyKeeperOptions): CopyKeeper {
  const { target } = o;
  const backOff = createBackOff(o.retry);
  let copy: WrittenCopy | undefined;
  let writtenAt: Date | undefined;
  let error: string | undefined = 'not written yet';
  let timer: NodeJS.Timeout | undefined;
  let lastSeen: string | undefined;
  let closed = false;
  let tail: Promise<unknown> = Promise.resolve();

  function exclusively<T>(work: () => Promise<T>): Promise<T> {
    const turn = tail.then(work);
    tail = turn.catch(() => undefined);
    return turn;
  }

  function schedule(delayMs: number, action: () => void): void {
    if (closed || timer !== undefined) return;
    timer = setTimeout(() => {
      timer = undefined;
      action();
    }, delayMs);
    timer.unref();
  }

  async function attempt(): Promise<void> {
    const material = o.material();
    if (closed) throw new Fault('draining', `${target.id} is no longer kept`);
    if (material === undefined) return;
    clearTimeout(timer);
    timer = undefined;
    try {
      const written = await target.write(material);
      copy = written;
      if (written.changed || writtenAt === undefined) writtenAt = new Date(o.clock.now());
      error = undefined;
      backOff.reset();
      o.onWritten(written);
    } catch (failure) {
      error = failure instanceof Error ? failure.message : String(failure);
      o.onFailed(failure);
      schedule(backOff.next(), retry);
      throw failure;
    }
  }

  const retry = () =>
    void exclusively(async () => {
      if (closed) return;
      if (await o.isWanted()) await attempt();
      else o.onUnwanted();
    }).catch(() => undefined); // attempt() has noted it

  return {
    id: target.id,
    get resourceVersion() {
      return copy?.resourceVersion;
    },
    bring: () => exclusively(attempt),
    bringSoon(delayMs, seen) {
      // A later sight replaces an earlier one: our own write may be seen first and somebody's edit of it next.
      lastSeen = seen;
      schedule(delayMs, () => {
        if (lastSeen === undefined || lastSeen !== copy?.resourceVersion) retry();
      });
    },
    exclusively,
    status: () => ({
      target: target.id,
      state: error === undefined ? 'Current' : 'Failed',
      why: [],
      caFingerprints: copy?.caFingerprints ?? [],
      ...(copy === undefined ? {} : { crlNumber: copy.crlNumber.toString(), sizeBytes: copy.sizeBytes }),
      ...(writtenAt === undefined ? {} : { writtenAt }),
      ...(target.limitBytes === undefined ? {} : { limitBytes: target.limitBytes }),
      ...(error === undefined ? {} : { error }),
    }),
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
