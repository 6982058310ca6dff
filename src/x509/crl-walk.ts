import { DerError } from '../encoding/der-error.ts';
import { writeHeader } from '../encoding/der-writer.ts';
import { tag } from '../encoding/tag.ts';
import { encodeTime } from './time.ts';

/**
 * Going through encoded entries of revokedCertificates by their bytes: a million of them are too many to take each apart.
 * They are our own encoder's, or were read in full before they were recorded, so only their bounds are looked at.
 */

/** Where the element at `at` ends. Throws `DerError` when that is behind the end of the bytes. */
export function endOf(bytes: Buffer, at: number): number {
  const end = contentOf(bytes, at) + contentLength(bytes, at);
  // NaN, where the header itself is cut off, fails the comparison too.
  if (!(end <= bytes.length)) throw new DerError('An entry is cut off', at);
  return end;
}

/** Where the content of the element at `at` starts. */
function contentOf(bytes: Buffer, at: number): number {
  const first = bytes[at + 1] ?? Number.NaN;
  return first < 0x80 ? at + 2 : at + 2 + (first & 0x7f);
}

function contentLength(bytes: Buffer, at: number): number {
  const first = bytes[at + 1] ?? Number.NaN;
  if (first < 0x80) return first;
  let length = 0;
  for (let octet = at + 2; octet < at + 2 + (first & 0x7f); octet += 1)
    length = length * 256 + (bytes[octet] ?? Number.NaN);
  return length;
}

/** Where the octets of the serial of the entry at `at` start, as they are in a certificate's row: behind a leading zero. */
export function serialStart(bytes: Buffer, at: number): number {
  const serial = contentOf(bytes, at);
  if (bytes[at] !== tag.sequence || bytes[serial] !== tag.integer) throw new DerError('No entry is here', at);
  const start = contentOf(bytes, serial);
  // The zero of the serial zero is not a leading one.
  return bytes[start] === 0 && contentLength(bytes, serial) > 1 ? start + 1 : start;
}

/** Where they end. */
export function serialEnd(bytes: Buffer, at: number): number {
  return endOf(bytes, contentOf(bytes, at));
}

/** A view of them. */
export function serialAt(bytes: Buffer, at: number): Buffer {
  return bytes.subarray(serialStart(bytes, at), serialEnd(bytes, at));
}

/** The same entries with no more than serial and date: without reason codes, and any other extension. */
export function withoutExtensions(entries: Buffer): Buffer {
  const bare = Buffer.allocUnsafe(entries.length);
  let length = 0;
  for (let at = 0; at < entries.length; at = endOf(entries, at)) {
    const start = contentOf(entries, at);
    const end = endOf(entries, endOf(entries, start));
    length = writeHeader(bare, length, tag.sequence, end - start);
    length += entries.copy(bare, length, start, end);
  }
  return bare.subarray(0, length);
}

/**
 * The same entries, none with a revocationDate after `latest`: what is later gets that date, so every entry keeps its length.
 * The bytes given are not changed. On the eve of 2050, when `latest` is a UTCTime and the entry has the longer GeneralizedTime
 * already (RFC 5280 5.1.2.4), it stays as it is.
 */
export function datedUntil(entries: Buffer, latest: Date): Buffer {
  const limit = encodeTime(latest);
  let dated: Buffer | undefined;
  for (let at = 0; at < entries.length; at = endOf(entries, at)) {
    const date = serialEnd(entries, at);
    if (!isLater(entries, date, limit)) continue;
    dated ??= Buffer.from(entries);
    limit.copy(dated, date);
  }
  return dated ?? entries;
}

/** Whether the time at `at` is later than `limit`, both of one type. Bytes are compared: their order is that of the times. */
function isLater(bytes: Buffer, at: number, limit: Buffer): boolean {
  if (bytes[at] !== limit[0]) return false;
  // The years from 50 on are those of the twentieth century (RFC 5280 4.1.2.5.1).
  if (bytes[at] === tag.utcTime && (bytes[at + 2] ?? 0) >= fifty) return false;
  for (let octet = 0; octet < limit.length; octet += 1) {
    const difference = (bytes[at + octet] ?? 0) - (limit[octet] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

/** The digit 5. */
const fifty = 0x35;
