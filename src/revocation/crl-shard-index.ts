import { setImmediate } from 'node:timers/promises';
import { readCrl } from '../x509/crl.ts';
import { maxShards, shardByteOf } from '../x509/crl-shard.ts';

/** A step of this many entries takes a millisecond at most; then others get their turn. */
const stepEntries = 8_192;

/** Where the entries of a complete CRL are, ordered so that those of every shard of every count stand together. */
export interface CrlShardIndex {
  /** The encoded entries of shard `index` of `count`, concatenated. */
  entriesOf(count: number, index: number): Promise<Buffer>;
}

/**
 * Reads a CRL of ours once, in steps, and keeps four octets per entry. The entries lie in the order of their shard's bits read
 * backwards: that of a shard of 2 is then that of two neighbours of 4, and so on.
 * @throws X509Error when it is no complete CRL, Error unless there are `entryCount` entries
 */
export async function indexCrl(der: Buffer, entryCount: number): Promise<CrlShardIndex> {
  const revoked = readCrl(der).revoked;
  const places = new Uint32Array(entryCount);
  const groups = new Uint8Array(entryCount);
  const starts = new Uint32Array(maxShards + 1);
  let read = 0;
  for (let at = 0; at < revoked.length; read += 1) {
    if (read === entryCount)
      throw new Error(`the CRL has more than the ${entryCount} entries that were counted`);
    const group = groupOf(revoked, at);
    places[read] = at;
    groups[read] = group;
    starts[group + 1] = (starts[group + 1] ?? 0) + 1;
    at += entryLength(revoked, at);
    if (read % stepEntries === stepEntries - 1) await setImmediate();
  }
  if (read !== entryCount) throw new Error(`the CRL has ${read} entries, and ${entryCount} were counted`);
  for (let group = 0; group < maxShards; group += 1)
    starts[group + 1] = (starts[group + 1] ?? 0) + (starts[group] ?? 0);
  const ordered = await order(places, groups, starts);
  return {
    entriesOf(count, index) {
      const first = reversed(index);
      return gather(revoked, ordered.subarray(starts[first], starts[first + maxShards / count]));
    },
  };
}

/** A counting sort: the order within a group stays. */
async function order(places: Uint32Array, groups: Uint8Array, starts: Uint32Array): Promise<Uint32Array> {
  const next = starts.slice();
  const ordered = new Uint32Array(places.length);
  await stepThrough(places.length, (entry) => {
    const group = groups[entry] ?? 0;
    const to = next[group] ?? 0;
    ordered[to] = places[entry] ?? 0;
    next[group] = to + 1;
  });
  return ordered;
}

async function gather(revoked: Buffer, places: Uint32Array): Promise<Buffer> {
  let length = 0;
  await stepThrough(places.length, (entry) => {
    length += entryLength(revoked, places[entry] ?? 0);
  });
  const entries = Buffer.allocUnsafe(length);
  let to = 0;
  await stepThrough(places.length, (entry) => {
    const at = places[entry] ?? 0;
    to += revoked.copy(entries, to, at, at + entryLength(revoked, at));
  });
  return entries;
}

async function stepThrough(count: number, work: (entry: number) => void): Promise<void> {
  for (let entry = 0; entry < count; entry += 1) {
    work(entry);
    if (entry % stepEntries === stepEntries - 1) await setImmediate();
  }
}

/** The entry's shard of `maxShards`, its bits backwards. Its first member is the serial. */
function groupOf(revoked: Buffer, at: number): number {
  const serial = at + headerLength(revoked, at);
  const length = revoked[serial + 1] ?? 0;
  return reversed(shardByteOf(revoked, serial + 2, serial + 2 + length));
}

function entryLength(revoked: Buffer, at: number): number {
  const header = headerLength(revoked, at);
  return header + (revoked[at + header - 1] ?? 0);
}

/** An entry has less than 256 octets: a serial of 20 at most, a time, and few extensions. */
function headerLength(revoked: Buffer, at: number): number {
  const first = revoked[at + 1] ?? 0xff;
  if (first > 0x81 || first === 0x80)
    throw new Error(`the CRL entry at ${at} is longer than any that we make`);
  return first === 0x81 ? 3 : 2;
}

/** The eight bits in the opposite order. */
function reversed(octet: number): number {
  let result = 0;
  for (let bit = 0; bit < 8; bit += 1) result |= ((octet >> bit) & 1) << (7 - bit);
  return result;
}
