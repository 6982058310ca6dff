import { DerError } from '../encoding/der-error.ts';
import { DerReader } from '../encoding/der-reader.ts';
import { tag } from '../encoding/tag.ts';
import { attributeLabel, maxCharactersOf } from './attribute-types.ts';
import { readField } from './der-field.ts';
import { decodeString } from './directory-string.ts';
import type { AttributeTypeAndValue, Name } from './name.ts';
import { X509Error, type X509ErrorCode } from './x509-error.ts';

const COUNTRY_NAME = '2.5.4.6';

/**
 * Reads a Name. Throws `X509Error` (`code`, field `<field>.<label>`) on anything but strict DER, an unknown string type,
 * empty values, control characters, characters outside of the string type, or an attribute twice in one RDN.
 */
export function readName(der: Uint8Array, field = 'name', code: X509ErrorCode = 'name-malformed'): Name {
  return readField(code, field, () => {
    const outer = new DerReader(der);
    const whole = outer.element(tag.sequence);
    outer.finish();
    const rdnSequence = new DerReader(whole).sequence();
    const rdns: AttributeTypeAndValue[][] = [];
    while (!rdnSequence.atEnd) rdns.push(readRdn(rdnSequence.constructed(tag.set), field, code));
    return { der: whole, rdns };
  });
}

/** SET SIZE (1..MAX) OF: DER sorts it (X.690 11.6), and we copy it, so it has to be sorted already. */
function readRdn(set: DerReader, field: string, code: X509ErrorCode): AttributeTypeAndValue[] {
  const attributes: AttributeTypeAndValue[] = [];
  let previous: Buffer | undefined;
  do {
    const element = set.element(tag.sequence);
    if (previous !== undefined && Buffer.compare(previous, element) > 0) {
      throw new DerError('A multi-valued RDN is not in DER order', 0);
    }
    const attribute = readAttribute(new DerReader(element).sequence(), field, code);
    if (attributes.some(({ type }) => type === attribute.type)) {
      throw fieldError(code, field, attribute.type, 'stands twice in one RDN');
    }
    attributes.push(attribute);
    previous = element;
  } while (!set.atEnd);
  return attributes;
}

function readAttribute(sequence: DerReader, field: string, code: X509ErrorCode): AttributeTypeAndValue {
  const type = sequence.oid();
  return readField(code, `${field}.${attributeLabel(type)}`, () => {
    const stringTag = sequence.peek() ?? 0;
    const value = decodeString(stringTag, sequence.content(stringTag));
    sequence.finish();
    return { type, stringTag, value };
  });
}

/** Throws `X509Error` on a value longer than its upper bound (RFC 5280 appendix A.1), or a C that is not two letters. */
export function checkNameBounds(name: Name, field: string, code: X509ErrorCode): void {
  for (const { type, value } of name.rdns.flat()) {
    const bound = maxCharactersOf(type);
    // UTF-16 units are never fewer than characters: count those only where it can matter.
    if (value.length > bound && [...value].length > bound) {
      throw fieldError(code, field, type, `is longer than ${bound} characters`);
    }
    if (type === COUNTRY_NAME && !/^[A-Za-z]{2}$/.test(value)) {
      throw fieldError(code, field, type, 'is not a country code of two letters');
    }
  }
}

function fieldError(code: X509ErrorCode, field: string, type: string, problem: string): X509Error {
  const path = `${field}.${attributeLabel(type)}`;
  return new X509Error(code, `${path} ${problem}`, path);
}
