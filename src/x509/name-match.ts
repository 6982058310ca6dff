import { tag } from '../encoding/tag.ts';
import type { AttributeTypeAndValue, Name } from './name.ts';

/** The string types whose values compare as text (OpenSSL's ASN1_MASK_CANON); any other compares by its octets. */
const textual: ReadonlySet<number> = new Set([
  tag.utf8String,
  tag.printableString,
  tag.teletexString,
  tag.ia5String,
  tag.bmpString,
  tag.universalString,
]);

/**
 * Whether two names are the same by RFC 5280 7.1, as far as OpenSSL goes in chain building: whatever the string types, the
 * case of ASCII letters, blanks at the ends and the length of runs of blanks, and the order within an RDN.
 */
export function sameName(one: Name, other: Name): boolean {
  return one.der.equals(other.der) || canonical(one, foldAscii) === canonical(other, foldAscii);
}

/**
 * Whether a reader could take the one for the other: as `sameName`, and as RFC 4518 prepares strings (case of all letters,
 * compatibility forms, characters that are not seen). For refusing a name, never for accepting one.
 */
export function resemblesName(one: Name, other: Name): boolean {
  return canonical(one, foldUnicode) === canonical(other, foldUnicode);
}

function canonical(name: Name, fold: (text: string) => string): string {
  const rdns = name.rdns.map((rdn) => rdn.map((each) => canonicalAttribute(each, fold)).sort());
  return JSON.stringify(rdns);
}

function canonicalAttribute(
  { type, stringTag, value }: AttributeTypeAndValue,
  fold: (text: string) => string,
): string {
  return textual.has(stringTag) ? `${type}=${fold(value)}` : `${type}#${stringTag}=${value}`;
}

/** White space of C's isspace, in the ASCII part. */
function foldAscii(text: string): string {
  return text
    .replace(/[\t-\r ]+/g, ' ')
    .replace(/^ | $/g, '')
    .replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** RFC 4518 2.2 to 2.6: what is not seen is left out, then NFKC, then the case goes, and runs of blanks become one. */
function foldUnicode(text: string): string {
  const seen = text.replace(/\p{Cf}|\u034f|\p{Variation_Selector}|\ufffc/gu, '');
  return seen
    .normalize('NFKC')
    .toUpperCase()
    .toLowerCase()
    .normalize('NFKC')
    .replace(/[\s\p{Z}]+/gu, ' ')
    .trim();
}
