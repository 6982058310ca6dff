import { setImmediate } from 'node:timers/promises';
import { endOf, serialAt, serialEnd, serialStart } from '../x509/crl-walk.ts';
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
      if (!old.takeSame(chunk, at, end)) old.takeUpTo(chunk, at);
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
      if (next > list.length || compareOctets(list, at, next, chunk, start, end) !== 0) return false;
      at = next;
      return true;
    },
    /** An entry of the same serial may say something else by now. */
    takeUpTo(chunk: Buffer, entry: number): void {
      while (at < list.length) {
        const order = compareSerials(list, at, chunk, entry);
        if (order > 0) return;
        if (order < 0) pass();
        else {
          at = endOf(list, at);
          return;
        }
      }
    },
    /** @returns whether there may be more */
    takeSome(most: number): boolean {
      while (at < list.length && gone.length < most) pass();
      return gone.length === most;
    },
  };
}

function createOrder() {
  let last: { chunk: Buffer; at: number } | undefined;
  return {
    count: 0,
    next(chunk: Buffer, at: number): void {
      if (last === undefined) last = { chunk, at };
      else if (compareSerials(last.chunk, last.at, chunk, at) >= 0)
        throw new CrlCheckFailed(
          'entries',
          `After ${serialAt(last.chunk, last.at).toString('hex')} comes ${serialAt(chunk, at).toString('hex')}`,
        );
      last.chunk = chunk;
      last.at = at;
      this.count += 1;
    },
  };
}

function compareSerials(a: Buffer, atA: number, b: Buffer, atB: number): number {
  return compareOctets(a, serialStart(a, atA), serialEnd(a, atA), b, serialStart(b, atB), serialEnd(b, atB));
}

/** As Buffer.compare, which for some twenty octets takes longer than to look at them here, and makes views besides. */
function compareOctets(
  a: Buffer,
  startA: number,
  endA: number,
  b: Buffer,
  startB: number,
  endB: number,
): number {
  const shorter = Math.min(endA - startA, endB - startB);
  for (let octet = 0; octet < shorter; octet += 1) {
    const difference = (a[startA + octet] ?? 0) - (b[startB + octet] ?? 0);
    if (difference !== 0) return difference;
  }
  return endA - startA - (endB - startB);
}
