import { setImmediate } from 'node:timers/promises';
import { DerError } from '../encoding/der-error.ts';
import { readCrl } from '../x509/crl.ts';
import { maxShards, shardByteOf } from '../x509/crl-shard.ts';
import { endOf, serialAt, serialEnd, serialStart } from '../x509/crl-walk.ts';
import { BrokenContent } from './read-crl.ts';

/** Takes a millisecond, or some where all of them are in the part; then others get their turn. */
const entriesPerStep = 2_048;

/**
 * A part lists what the complete CRL lists of it, octet for octet, and nothing else, in whatever order. The complete CRL is gone
 * through from its first entry to its last, by none of what divides it: of a million entries that is a tenth of a second, in steps.
 * @param part content of revokedCertificates
 * @param complete DER of the complete CRL of the same number
 * @throws BrokenContent
 */
export async function checkPartEntries(
  part: Buffer,
  complete: Buffer,
  { count, index }: { readonly count: number; readonly index: number },
): Promise<void> {
  const listed = createEntrySet();
  await walk(part, (octet, at, end) => {
    if (listed.take(octet, part, at, end)) throw tooMany();
    listed.add(octet, part, at, end);
  }).catch(refuse);
  const { revoked } = readCrl(complete);
  await walk(revoked, (octet, at, end) => {
    if ((octet & (count - 1)) !== index || listed.take(octet, revoked, at, end)) return;
    throw new BrokenContent(`it does not list ${serialAt(revoked, at).toString('hex')} as the whole does`);
  });
  if (listed.size > 0) throw tooMany();
}

function tooMany(): BrokenContent {
  return new BrokenContent('it lists more than the whole has of this part');
}

function refuse(error: unknown): never {
  if (error instanceof DerError) throw new BrokenContent(`its entries cannot be read (${error.message})`);
  throw error;
}

/** @param see gets the shard of `maxShards` of each entry, and its bounds */
async function walk(entries: Buffer, see: (octet: number, at: number, end: number) => void): Promise<void> {
  let walked = 0;
  for (let at = 0; at < entries.length; ) {
    const end = endOf(entries, at);
    see(shardByteOf(entries, serialStart(entries, at), serialEnd(entries, at)), at, end);
    at = end;
    walked += 1;
    if (walked % entriesPerStep === 0) await setImmediate();
  }
}

/** Entries by their octets. Many small sets: one of half a million would stand still for too long when it grows. */
function createEntrySet() {
  const sets = Array.from({ length: maxShards }, () => new Set<string>());
  let size = 0;
  return {
    get size() {
      return size;
    },
    add(octet: number, entries: Buffer, at: number, end: number): void {
      sets[octet]?.add(entries.toString('latin1', at, end));
      size += 1;
    },
    /** @returns whether it was there; now it is not */
    take(octet: number, entries: Buffer, at: number, end: number): boolean {
      const was = sets[octet]?.delete(entries.toString('latin1', at, end)) === true;
      if (was) size -= 1;
      return was;
    },
  };
}
