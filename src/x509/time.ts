import { DerError } from '../encoding/der-error.ts';
import type { DerReader } from '../encoding/der-reader.ts';
import { tag } from '../encoding/tag.ts';

/** "YYYY-MM-DDTHH:MM:SS" of an ISO 8601 text; a year outside of 0000-9999 is longer. */
const ISO_LENGTH = 'YYYY-MM-DDTHH:MM:SS.mmmZ'.length;

/**
 * Time (RFC 5280 4.1.2.5): UTCTime for the years 1950 to 2049, GeneralizedTime outside of them, whole seconds (a fraction
 * is dropped), always "Z". Throws `RangeError` for an invalid date and above the year 9999.
 */
export function encodeTime(date: Date): Buffer {
  const iso = date.toISOString();
  if (iso.length !== ISO_LENGTH) throw new RangeError(`The year of ${iso} cannot be encoded`);
  const year = date.getUTCFullYear();
  const rest = iso.slice(5, 7) + iso.slice(8, 10) + iso.slice(11, 13) + iso.slice(14, 16) + iso.slice(17, 19);
  return year >= 1950 && year < 2050
    ? Buffer.from(`\x17\x0d${iso.slice(2, 4)}${rest}Z`, 'latin1')
    : Buffer.from(`\x18\x0f${iso.slice(0, 4)}${rest}Z`, 'latin1');
}

/** GeneralizedTime whatever the year, as OCSP has it (RFC 6960 4.2.2.1), otherwise as `encodeTime`. */
export function encodeGeneralizedTime(date: Date): Buffer {
  const iso = date.toISOString();
  if (iso.length !== ISO_LENGTH) throw new RangeError(`The year of ${iso} cannot be encoded`);
  return Buffer.from(`\x18\x0f${iso.slice(0, 19).replace(/[-T:]/g, '')}Z`, 'latin1');
}

/** Reads a Time in the one form that RFC 5280 allows: seconds given, no fraction, "Z". Throws `DerError`. */
export function readTime(reader: DerReader): Date {
  const short = reader.peek() === tag.utcTime;
  const text = reader.content(short ? tag.utcTime : tag.generalizedTime).toString('latin1');
  const match = (short ? /^(\d\d)(\d{10})Z$/ : /^(\d{4})(\d{10})Z$/).exec(text);
  const [, year = '', rest = ''] = match ?? [];
  // RFC 5280 4.1.2.5.1: 50-99 are 19xx, 00-49 are 20xx.
  const century = short ? (year < '50' ? '20' : '19') : '';
  const iso =
    `${century}${year}-${rest.slice(0, 2)}-${rest.slice(2, 4)}` +
    `T${rest.slice(4, 6)}:${rest.slice(6, 8)}:${rest.slice(8)}.000Z`;
  const date = new Date(iso);
  // Comparing back refuses what Date would roll over, as 30 February or 24:00.
  if (match === null || Number.isNaN(date.getTime()) || date.toISOString() !== iso) {
    throw new DerError('A time is malformed', 0);
  }
  return date;
}
