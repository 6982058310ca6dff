import { parseDuration } from '../duration.ts';
import { Fault } from '../fault.ts';

/** RFC 3339 in UTC, whole seconds: what certificates and CRLs can hold (RFC 5280 4.1.2.5). */
export function formatTime(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

/** @throws Fault `request-invalid` naming `field` */
export function parseTime(text: string, field: string): Date {
  const time = new Date(text);
  // The schema has seen the form; this sees what the form allows and the calendar does not, such as a leap second.
  if (Number.isNaN(time.getTime()))
    throw new Fault('request-invalid', `There is no such time: ${field}.`, { field });
  return time;
}

/**
 * Whole seconds of a validity: a number of seconds, or an ISO 8601 duration in which a year counts 365 days and a
 * month 30.
 * @throws Fault `request-invalid` naming `field`
 */
export function parseValidity(value: string | number, field: string): number {
  const seconds = typeof value === 'number' ? value : parseDuration(value);
  if (seconds !== undefined && Number.isSafeInteger(seconds) && seconds > 0) return seconds;
  throw new Fault(
    'request-invalid',
    'The validity is neither an ISO 8601 duration such as P90D or PT12H nor a positive number of whole seconds.',
    { field },
  );
}

/**
 * A serial as the store has it: lower-case hex of its octets. Upper case, colons between octets, and octets of zero in
 * front (as DER puts before a high bit) are taken as they are written by other tools.
 * @throws Fault `request-invalid`
 */
export function normaliseSerial(text: string): string {
  const hex = text.replaceAll(':', '').toLowerCase();
  if (!/^(?:[0-9a-f]{2}){1,32}$/.test(hex))
    throw new Fault('request-invalid', 'A serial is the hex of its octets.', { field: '/serial' });
  return hex.replace(/^(?:00)+(?=..)/, '');
}
