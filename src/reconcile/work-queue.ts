import type { BackOffSettings } from '../kubernetes/back-off.ts';

export interface WorkQueueOptions {
  /** Brings one object to what is wanted. Level-driven: it reads both itself. A rejection is tried again. */
  reconcile(key: string): Promise<WorkResult | undefined>;
  /** Keys worked on at the same time; one key never twice. Default: 4. */
  readonly concurrency?: number;
  /** Pauses after failures, for each key by itself. */
  readonly retry: BackOffSettings;
  onFailed(key: string, error: unknown): void;
}

export interface WorkResult {
  /** Look at it again after this time, in milliseconds. */
  readonly againMs?: number;
}

/**
 * Keys to work on. A key that is waiting is not added twice; one that is being worked on is done once more afterwards.
 */
export interface WorkQueue {
  add(key: string): void;
  /** After a while, unless it is due earlier already. */
  addAfter(key: string, delayMs: number): void;
  /** Works on the key as soon as possible, and resolves or rejects with a run that began after this call. */
  now(key: string): Promise<void>;
  /** Forgets what is waiting, and resolves when nothing is being worked on. `now` then rejects with Fault `draining`. */
  close(): Promise<void>;
}
