import { setImmediate } from 'node:timers/promises';
import { endOf, serialAt } from '../x509/crl-walk.ts';
import { CrlCheckFailed } from './crl-check-failed.ts';

/** Takes some milliseconds, so that others get their turn. */
const entriesPerStep = 10_000;

export interface Comparison {
  /** Entries in the new list. */
  readonly count: number;
  readonly octets: number;
}

/**
 * Goes through two lists of entries side by side, both in ascending order of the serials' octets.
 * @param previous content of revokedCertificates
 * @param chunks the new list, each chunk of whole entries
 * @param onGone gets the serials that are in the previous list alone, some at a time; views
 * @throws CrlCheckFailed when the new list is not in order, or has a serial twice
 */
export async function compareEntries(
  previous: Buffer,
  chunks: Iterable<Buffer>,
  onGone: (serials: readonly Buffer[]) => Promise<void>,
): Promise<Comparison> {
  const old = createCursor(previous);
  const order = createOrder();
  let octets = 0;
  for (const chunk of chunks) {
    octets += chunk.length;
    for (let at = 0; at < chunk.length; ) {
      const end = endOf(chunk, at);
      order.next(chunk, at);
      if (!old.takeSame(chunk, at, end)) old.takeUpTo(serialAt(chunk, at));
      at = end;
      if (order.count % entriesPerStep === 0) await setImmediate();
      if (old.gone.length >= entriesPerStep) await onGone(old.gone.splice(0));
    }
  }
  while (old.takeSome(entriesPerStep)) await onGone(old.gone.splice(0));
  if (old.gone.length > 0) await onGone(old.gone);
  return { count: order.count, octets };
}

/** The place that has been reached in the previous list. */
function createCursor(list: Buffer) {
  let at = 0;
  const gone: Buffer[] = [];
  const pass = (): void => {
    gone.push(serialAt(list, at));
    at = endOf(list, at);
  };
  return {
    /** Serials that the new list has passed over. */
    gone,
    /** By far the most are the same, octet for octet. */
    takeSame(chunk: Buffer, start: number, end: number): boolean {
      const next = at + end - start;
      if (next > list.length || chunk.compare(list, at, next, start, end) !== 0) return false;
      at = next;
      return true;
    },
    /** An entry of the same serial may say something else by now. */
    takeUpTo(serial: Buffer): void {
      while (at < list.length) {
        const order = Buffer.compare(serialAt(list, at), serial);
        if (order > 0) return;
        if (order < 0) pass();
        else {
          at = endOf(list, at);
          return;
        }
      }
    },
    /** @returns whether there were any */
    takeSome(most: number): boolean {
      while (at < list.length && gone.length < most) pass();
      return gone.length === most;
    },
  };
}

function createOrder() {
  let last: Buffer = Buffer.alloc(0);
  return {
    count: 0,
    next(chunk: Buffer, at: number): void {
      const serial = serialAt(chunk, at);
      if (Buffer.compare(last, serial) >= 0)
        throw new CrlCheckFailed('entries', `After ${last.toString('hex')} comes ${serial.toString('hex')}`);
      last = serial;
      this.count += 1;
    },
  };
}
