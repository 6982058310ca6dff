import { encodeOidContent } from './oid.ts';
import { tag } from './tag.ts';

/** Octets that the identifier and length of a TLV with `length` content octets take. */
export function headerLength(length: number): number {
  if (length < 0x80) return 2;
  if (length < 0x100) return 3;
  if (length < 0x10000) return 4;
  if (length < 0x1000000) return 5;
  return 6;
}

/**
 * Writes identifier and minimal length (X.690 8.1.3, 10.1) at `offset`; returns the offset behind them.
 * `length` must be below 2^32.
 */
export function writeHeader(into: Buffer, offset: number, identifier: number, length: number): number {
  into[offset] = identifier;
  if (length < 0x80) {
    into[offset + 1] = length;
    return offset + 2;
  }
  const octets = headerLength(length) - 2;
  into[offset + 1] = 0x80 | octets;
  into.writeUIntBE(length, offset + 2, octets);
  return offset + 2 + octets;
}

/** Identifier and length octets alone, for content that stays in chunks. */
export function header(identifier: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(headerLength(length));
  writeHeader(bytes, 0, identifier, length);
  return bytes;
}

/** One TLV around the concatenation of `parts`. */
export function tlv(identifier: number, ...parts: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const part of parts) length += part.length;
  const bytes = Buffer.allocUnsafe(headerLength(length) + length);
  let offset = writeHeader(bytes, 0, identifier, length);
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

export function sequence(...parts: readonly Uint8Array[]): Buffer {
  return tlv(tag.sequence, ...parts);
}

/** SET OF: DER sorts the encodings of its members (X.690 11.6). */
export function setOf(...members: readonly Uint8Array[]): Buffer {
  return tlv(tag.set, ...[...members].sort((a, b) => Buffer.compare(a, b)));
}

export function boolean(value: boolean): Buffer {
  return tlv(tag.boolean, Buffer.of(value ? 0xff : 0x00));
}

export function nullValue(): Buffer {
  return tlv(tag.null);
}

/** INTEGER of any size and sign, in the fewest octets (X.690 8.3.2). */
export function integer(value: bigint | number): Buffer {
  return tlv(tag.integer, twosComplement(BigInt(value)));
}

function twosComplement(value: bigint): Buffer {
  let octets = 1;
  while (BigInt.asIntN(octets * 8, value) !== value) octets += 1;
  const hex = BigInt.asUintN(octets * 8, value).toString(16);
  return Buffer.from(hex.padStart(octets * 2, '0'), 'hex');
}

/** INTEGER from the big-endian magnitude of a number that is not negative. */
export function unsignedInteger(magnitude: Uint8Array): Buffer {
  let start = 0;
  while (start < magnitude.length - 1 && magnitude[start] === 0) start += 1;
  const content = magnitude.subarray(start);
  const first = content[0];
  if (first === undefined) return integer(0);
  return first & 0x80 ? tlv(tag.integer, Buffer.of(0), content) : tlv(tag.integer, content);
}

export function enumerated(value: number): Buffer {
  return tlv(tag.enumerated, twosComplement(BigInt(value)));
}

/** `dotted` as OBJECT IDENTIFIER. Throws `RangeError` when it is not one. */
export function objectIdentifier(dotted: string): Buffer {
  return tlv(tag.oid, encodeOidContent(dotted));
}

export function octetString(content: Uint8Array): Buffer {
  return tlv(tag.octetString, content);
}

/** BIT STRING of whole octets. */
export function bitString(content: Uint8Array): Buffer {
  return tlv(tag.bitString, Buffer.of(0), content);
}

/** BIT STRING of a named bit list: trailing zero bits are dropped (X.690 11.2.2). */
export function namedBits(bits: readonly number[]): Buffer {
  if (bits.length === 0) return tlv(tag.bitString, Buffer.of(0));
  const highest = Math.max(...bits);
  const content = Buffer.alloc((highest >> 3) + 1);
  for (const bit of bits) content[bit >> 3] = (content[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  return tlv(tag.bitString, Buffer.of(7 - (highest & 7)), content);
}
