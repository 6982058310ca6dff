import { Fault } from '../fault.ts';
import type { EnforcementParts } from './parts.ts';

/** Runs work that judges and writes an Ingress; one piece at a time, everywhere. */
export type Turn = <T>(work: () => Promise<T>) => Promise<T>;

/** The lock's key: two Ingresses of one host must not be judged side by side. */
const lockKey = 'internal-ca:enforcement';

/** Other writers (the controller's status updates, for one) come between reading and writing now and then. */
const attempts = 5;

/** The calls and the reconciler of a process share one turn. */
export function createTurn({ withAdvisoryLock }: Pick<EnforcementParts, 'withAdvisoryLock'>): Turn {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const locked = () => withAdvisoryLock(lockKey, () => repeatWhenModified(work));
    // In this process by a queue, so that only one pooled connection is ever held by the lock.
    const result = last.then(locked, locked);
    last = result.catch(() => undefined);
    return result;
  };
}

/** Judges anew when the Ingress changed between reading and writing; nothing was written then. */
export async function repeatWhenModified<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt === attempts || !wasModified(error)) throw error;
    }
  }
}

/** Whether a write met another version of the object than was judged. */
export function wasModified(error: unknown): boolean {
  if (!(error instanceof Fault) || error.code !== 'conflict') return false;
  return error.reasons.some(({ code }) => code === 'object-modified' || code === 'uid-mismatch');
}
