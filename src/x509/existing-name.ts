import { DerReader } from '../encoding/der-reader.ts';
import { tag } from '../encoding/tag.ts';
import { readField } from './der-field.ts';
import { decodeCharacters } from './directory-string.ts';
import type { AttributeTypeAndValue, Name } from './name.ts';
import type { X509ErrorCode } from './x509-error.ts';

/** What a name may hold that is no text: x500UniqueIdentifier is a BIT STRING. OpenSSL reads both, and prints them as hex. */
const withoutText: ReadonlySet<number> = new Set([tag.bitString, tag.sequence]);

/** Octets of a character each, as OpenSSL reads them: what RFC 5280 allows in them is not asked of what exists. */
const latin1: ReadonlySet<number> = new Set([tag.printableString, tag.ia5String, tag.numericString]);

/**
 * Reads a Name of a certificate or a CRL that somebody has made, as OpenSSL reads it: with characters outside of the string
 * type, empty values, attributes in any order or twice, and values that are no text (the octets, as Latin-1). `readName` is
 * for what is to be issued. Throws `X509Error` (`code`, `field`).
 */
export function readExistingName(der: Uint8Array, field: string, code: X509ErrorCode): Name {
  return readField(code, field, () => {
    const outer = new DerReader(der);
    const whole = outer.element(tag.sequence);
    outer.finish();
    const rdnSequence = new DerReader(whole).sequence();
    const rdns: AttributeTypeAndValue[][] = [];
    while (!rdnSequence.atEnd) rdns.push(readRdn(rdnSequence.constructed(tag.set)));
    return { der: whole, rdns };
  });
}

function readRdn(set: DerReader): AttributeTypeAndValue[] {
  const attributes: AttributeTypeAndValue[] = [];
  while (!set.atEnd) {
    const attribute = set.sequence();
    const type = attribute.oid();
    const stringTag = attribute.peek() ?? 0;
    attributes.push({ type, stringTag, value: textOf(stringTag, attribute.content(stringTag)) });
    attribute.finish();
  }
  return attributes;
}

function textOf(stringTag: number, content: Buffer): string {
  if (latin1.has(stringTag) || withoutText.has(stringTag)) return content.toString('latin1');
  return decodeCharacters(stringTag, content);
}

/** Whether the value is text; else `value` stands for octets. */
export function isText({ stringTag }: AttributeTypeAndValue): boolean {
  return !withoutText.has(stringTag);
}
