import { Readable } from 'node:stream';

const sliceOctets = 64 * 1024;

/** Views of the octets, one after the other; nothing is copied. */
export function* slicesOf(octets: Buffer): Generator<Buffer> {
  for (let at = 0; at < octets.length; at += sliceOctets) yield octets.subarray(at, at + sliceOctets);
}

/**
 * The octets as a stream that goes at the pace of who reads it. Given whole to a TLS connection, 40 MB would be encrypted at
 * once: that holds the event loop, and a copy of them for as long as a slow client takes.
 */
export function streamOf(octets: Buffer): Readable {
  return Readable.from(slicesOf(octets), { objectMode: false, highWaterMark: sliceOctets });
}
