import { pipeline } from 'node:stream/promises';
import { createGzip, createZstdCompress } from 'node:zlib';
import { createOneAtATime } from '../one-at-a-time.ts';
import { slicesOf } from './byte-stream.ts';

/** Content codings on offer (RFC 9110 8.4.1, RFC 8878). Brotli would make a CRL no smaller than zstd, at three times the cost. */
export type ContentCoding = 'zstd' | 'gzip';

/** Ours first: zstd compresses a CRL in a quarter of gzip's time. */
const offered: readonly ContentCoding[] = ['zstd', 'gzip'];

const memberForm = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:\s*;\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/i;

/**
 * The codings that the request takes, best first (RFC 9110 12.5.3). Without the field, none: whoever does not ask may be
 * unable to decode. The file as it is always does, also for who forbids it: the alternative would be no file.
 */
export function codingsFor(acceptEncoding: string | undefined): ContentCoding[] {
  if (acceptEncoding === undefined) return [];
  const qualities = new Map<string, number>();
  for (const member of acceptEncoding.split(',')) {
    const [, name, quality = '1'] = memberForm.exec(member.trim()) ?? [];
    if (name !== undefined) qualities.set(name.toLowerCase(), Number(quality));
  }
  const qualityOf = (coding: ContentCoding) =>
    qualities.get(coding) ??
    (coding === 'gzip' ? qualities.get('x-gzip') : undefined) ??
    qualities.get('*') ??
    0;
  // The sort is stable: among equals our own order stays.
  const plain = qualities.get('identity') ?? 0;
  return offered
    .filter((coding) => qualityOf(coding) > 0 && qualityOf(coding) >= plain)
    .toSorted((a, b) => qualityOf(b) - qualityOf(a));
}

export interface Compressor {
  /**
   * The octets under a coding; undefined when that would not make them smaller by a tenth. Made once and kept as long as
   * `octets` itself.
   */
  compress(octets: Buffer, coding: ContentCoding): Promise<Buffer | undefined>;
}

/** What fits a packet or two is not made quicker by less octets. */
const leastOctets = 2_048;

/** Compresses on the thread pool, one at a time: signatures come first there. */
export function createCompressor(): Compressor {
  const kept: Record<ContentCoding, WeakMap<Buffer, Promise<Buffer | undefined>>> = {
    zstd: new WeakMap(),
    gzip: new WeakMap(),
  };
  const oneAtATime = createOneAtATime();

  return {
    compress(octets, coding) {
      if (octets.length < leastOctets) return Promise.resolve(undefined);
      const known = kept[coding].get(octets);
      if (known !== undefined) return known;
      const compressed = oneAtATime(() => compressInSteps(octets, coding));
      compressed.catch(() => kept[coding].delete(octets));
      kept[coding].set(octets, compressed);
      return compressed;
    },
  };
}

async function compressInSteps(octets: Buffer, coding: ContentCoding): Promise<Buffer | undefined> {
  const chunkSize = 256 * 1024;
  // Serials are random: a higher level of gzip gains 2 % of a CRL at twice the cost.
  const encoder = coding === 'zstd' ? createZstdCompress({ chunkSize }) : createGzip({ level: 1, chunkSize });
  const chunks: Buffer[] = [];
  await pipeline(slicesOf(octets), encoder, async (compressed: AsyncIterable<Buffer>) => {
    for await (const chunk of compressed) chunks.push(chunk);
  });
  const length = chunks.reduce((total, chunk) => total + chunk.length, 0);
  return length > octets.length * 0.9 ? undefined : Buffer.concat(chunks, length);
}
