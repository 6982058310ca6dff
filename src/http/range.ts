/** Part of a representation: `start` and `end` as of `subarray`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

const oneRange = /^bytes=\s*(?:(\d+)-(\d*)|-(\d+))\s*$/i;

/**
 * The Range field (RFC 9110 14.2) over a representation of `length` octets. Several ranges, other units and what is
 * malformed are passed over, as 14.2 allows: the whole is answered then.
 * @returns undefined when the whole is to be sent; `unsatisfiable` for 416
 */
export function parseRange(
  field: string | undefined,
  length: number,
): ByteRange | 'unsatisfiable' | undefined {
  const [matched, first, last, suffix] = field === undefined ? [] : (oneRange.exec(field) ?? []);
  if (matched === undefined) return undefined;
  if (suffix !== undefined) return lastOctets(Number(suffix), length);
  const start = Number(first);
  const end = last === '' || last === undefined ? length : Math.min(Number(last) + 1, length);
  if (last !== '' && Number(last) < start) return undefined;
  return start < length ? { start, end } : 'unsatisfiable';
}

function lastOctets(count: number, length: number): ByteRange | 'unsatisfiable' {
  if (count === 0 || length === 0) return 'unsatisfiable';
  return { start: Math.max(0, length - count), end: length };
}
