import { DerError } from './der-error.ts';

/** Longer than any OID in use, UUID arcs under 2.25 (20 octets) included; bounds the work per OID. */
const MAX_CONTENT_OCTETS = 64;

/**
 * The dotted form of an OBJECT IDENTIFIER's content octets (X.690 8.19).
 * Throws `DerError` on an empty, cut-off, padded or over-long value.
 */
export function decodeOid(content: Uint8Array): string {
  const last = content.at(-1);
  if (last === undefined) throw new DerError('An OBJECT IDENTIFIER is empty', 0);
  if (content.length > MAX_CONTENT_OCTETS) throw new DerError('An OBJECT IDENTIFIER is too long', 0);
  if (last & 0x80) throw new DerError('An OBJECT IDENTIFIER is cut off', content.length);
  let dotted = '';
  let arc: number | bigint = 0;
  let arcStarts = true;
  for (const octet of content) {
    if (arcStarts && octet === 0x80) throw new DerError('An OBJECT IDENTIFIER has a padded arc', 0);
    arc = appendSevenBits(arc, octet & 0x7f);
    arcStarts = (octet & 0x80) === 0;
    if (!arcStarts) continue;
    dotted += dotted === '' ? firstTwoArcs(arc) : `.${arc}`;
    arc = 0;
  }
  return dotted;
}

/** Numbers while they are exact: BigInt is slow, and only UUID arcs under 2.25 need it. */
function appendSevenBits(arc: number | bigint, bits: number): number | bigint {
  if (typeof arc === 'number' && arc < 2 ** 45) return arc * 128 + bits;
  return BigInt(arc) * 128n + BigInt(bits);
}

/** The first subidentifier holds two arcs: 40 * first + second, and only arc 2 has more than 40 children. */
function firstTwoArcs(value: number | bigint): string {
  const first = value < 40 ? 0 : value < 80 ? 1 : 2;
  return `${first}.${BigInt(value) - BigInt(first * 40)}`;
}

/** Content octets of a dotted OID. Throws `RangeError` when the text is not one. */
export function encodeOidContent(dotted: string): Buffer {
  const arcs = /^[0-2](\.(0|[1-9]\d*))+$/.test(dotted) ? dotted.split('.').map(BigInt) : [];
  const [first, second, ...rest] = arcs;
  if (first === undefined || second === undefined || (first < 2n && second > 39n)) {
    throw new RangeError(`"${dotted}" is not an object identifier`);
  }
  const octets: number[] = [];
  for (const arc of [first * 40n + second, ...rest]) octets.push(...base128(arc));
  return Buffer.from(octets);
}

function base128(arc: bigint): number[] {
  const octets = [Number(arc & 0x7fn)];
  for (let left = arc >> 7n; left > 0n; left >>= 7n) octets.unshift(Number(left & 0x7fn) | 0x80);
  return octets;
}
