import { Fault } from '../fault.ts';

interface MediaRange {
  readonly type: string;
  readonly subtype: string;
  readonly quality: number;
}

/** An Accept field longer than this many ranges is somebody's experiment. */
const maxRanges = 32;
const rangeForm = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)\/([!#$%&'*+.^_`|~0-9A-Za-z-]+)$/;
const qualityForm = /^q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/i;

/**
 * Chooses among `offered` by the request's Accept field (RFC 9110 section 12.5.1): the most specific range that
 * matches gives an offer its quality, the highest quality wins, and among equals the first offer. Without an Accept
 * field the first offer is taken.
 * @throws Fault `not-acceptable` listing what is on offer
 */
export function negotiate<Offer extends string>(
  accept: string | undefined,
  offered: readonly [Offer, ...Offer[]],
): Offer {
  if (accept === undefined || accept.trim() === '' || accept === '*/*') return offered[0];
  const ranges = accept.split(',', maxRanges).flatMap(readRange);
  let best: { offer: Offer; quality: number } | undefined;
  for (const offer of offered) {
    const quality = qualityOf(offer, ranges);
    if (quality > (best?.quality ?? 0)) best = { offer, quality };
  }
  if (best === undefined) throw new Fault('not-acceptable', `On offer: ${offered.join(', ')}.`);
  return best.offer;
}

function readRange(text: string): MediaRange[] {
  const [range = '', ...parameters] = text.split(';').map((part) => part.trim());
  const [, type, subtype] = rangeForm.exec(range) ?? [];
  if (type === undefined || subtype === undefined) return [];
  const quality = parameters
    .map((parameter) => qualityForm.exec(parameter)?.[1])
    .find((q) => q !== undefined);
  return [{ type: type.toLowerCase(), subtype: subtype.toLowerCase(), quality: Number(quality ?? 1) }];
}

function qualityOf(offer: string, ranges: readonly MediaRange[]): number {
  const [type, subtype] = offer.split('/');
  const exact = ranges.find((range) => range.type === type && range.subtype === subtype);
  const sameType = ranges.find((range) => range.type === type && range.subtype === '*');
  const any = ranges.find((range) => range.type === '*' && range.subtype === '*');
  return (exact ?? sameType ?? any)?.quality ?? 0;
}
