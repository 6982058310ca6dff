/** The most parts that a CRL is divided into. */
export const maxShards = 256;

/**
 * Which of `count` parts of the CRL has a certificate, by its serial: FNV-1a over the serial's octets, mixed by MurmurHash3's
 * finalizer, of which the lowest bits count. Fixed for ever: certificates in use name their part. That it is a power of
 * two lets every count be served at once, so certificates of an older setting stay covered.
 * @param serial octets, big-endian; leading zeros do not count
 * @param count a power of two, at most `maxShards`
 */
export function shardOf(serial: Uint8Array, count: number): number {
  return shardByteOf(serial, 0, serial.length) & (count - 1);
}

/** The shard of `maxShards` of the serial that stands between two places of `octets`. */
export function shardByteOf(octets: Uint8Array, start: number, end: number): number {
  let at = start;
  while (octets[at] === 0 && at < end) at += 1;
  let hash = 0x811c9dc5;
  for (; at < end; at += 1) hash = Math.imul(hash ^ (octets[at] ?? 0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) & (maxShards - 1);
}
