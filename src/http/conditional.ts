import type { IncomingHttpHeaders } from 'node:http';
import { type EntityTag, parseEntityTags, sameMeaning, sameOctets } from './entity-tag.ts';
import { parseHttpDate } from './http-date.ts';

/** What a client can compare with what it has. Milliseconds since 1970; undefined when no date would tell versions apart. */
export interface Validators {
  readonly tag: EntityTag;
  readonly lastModified: number | undefined;
}

/**
 * Whether If-Match or If-Unmodified-Since forbids the answer (RFC 9110 13.1.1, 13.1.4, in the order of 13.2.2).
 */
export function preconditionFails(
  headers: IncomingHttpHeaders,
  { tag, lastModified }: Validators,
  now: number,
): boolean {
  const ifMatch = headers['if-match'];
  if (ifMatch !== undefined) {
    const tags = parseEntityTags(ifMatch);
    return tags !== '*' && !tags.some((one) => sameOctets(one, tag));
  }
  const since = dateOf(headers['if-unmodified-since'], now);
  return since !== undefined && lastModified !== undefined && lastModified > since;
}

/**
 * Which of the forms that would do the client has already, by If-None-Match (RFC 9110 13.1.2, the weak comparison): the
 * first of them for `*`.
 */
export function heldForm<Form extends { readonly tag: EntityTag }>(
  ifNoneMatch: string,
  forms: readonly Form[],
): Form | undefined {
  const tags = parseEntityTags(ifNoneMatch);
  return tags === '*' ? forms[0] : forms.find(({ tag }) => tags.some((one) => sameMeaning(one, tag)));
}

/** Whether If-Modified-Since says that the client has it. It counts only without If-None-Match (RFC 9110 13.1.3). */
export function isUnmodified(
  headers: IncomingHttpHeaders,
  lastModified: number | undefined,
  now: number,
): boolean {
  if (headers['if-none-match'] !== undefined || lastModified === undefined) return false;
  const since = dateOf(headers['if-modified-since'], now);
  return since !== undefined && lastModified <= since;
}

/**
 * Whether a part would fit what the client has: If-Range is absent, or names these very octets (RFC 9110 13.1.5). A date
 * has to be the same, not merely later.
 */
export function rangeFits(
  ifRange: string | undefined,
  { tag, lastModified }: Validators,
  now: number,
): boolean {
  if (ifRange === undefined) return true;
  const tags = parseEntityTags(ifRange);
  if (tags !== '*' && tags.length > 0) return tags.length === 1 && tags.every((one) => sameOctets(one, tag));
  return !tag.weak && lastModified !== undefined && dateOf(ifRange, now) === lastModified;
}

function dateOf(field: string | undefined, now: number): number | undefined {
  return field === undefined ? undefined : parseHttpDate(field, now);
}
