import { isUtf8 } from 'node:buffer';
import { DerError } from '../encoding/der-error.ts';
import { DerReader } from '../encoding/der-reader.ts';
import { objectIdentifier, sequence, setOf, tlv } from '../encoding/der-writer.ts';
import { tag } from '../encoding/tag.ts';
import { attributeTypeOf, preferredStringOf } from './attribute-types.ts';
import { readField } from './der-field.ts';
import { decodeString, encodeString } from './directory-string.ts';
import type { Name } from './name.ts';
import { checkNameBounds, readName } from './name-reader.ts';
import { X509Error } from './x509-error.ts';

const TYPE = /\s*([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)\s*=\s*/y;
const VALUE = /(?:[^\\",+;<>]|\\[0-9A-Fa-f]{2}|\\[ "#+,;<=>\\])*/y;
const SEPARATOR = /\s*([,+])/y;
const ESCAPES = /\\([0-9A-Fa-f]{2})|\\(.)|([^\\]+)/gs;

const stringTags = { printable: tag.printableString, ia5: tag.ia5String, utf8: tag.utf8String } as const;

/**
 * Reads RFC 4514 text, e.g. "CN=internal-ca,O=Example" (most specific first, as everywhere in RFC 4514).
 * Values become UTF8String, but PrintableString for C, serialNumber and dnQualifier and IA5String for DC and emailAddress.
 * Throws `X509Error` name-malformed.
 */
export function parseName(text: string): Name {
  const rdns: Buffer[][] = [[]];
  for (let at = 0; ; ) {
    const [type, valueStart] = matchAt(TYPE, text, at, 'an attribute type and "="');
    const [value, valueEnd] = matchAt(VALUE, text, valueStart, 'a value');
    rdns.at(-1)?.push(encodeAttribute(type, value));
    if (text.slice(valueEnd).trim() === '') break;
    const [separator, next] = matchAt(SEPARATOR, text, valueEnd, '"," or "+"');
    if (separator === ',') rdns.push([]);
    at = next;
  }
  const der = sequence(...rdns.reverse().map((attributes) => setOf(...attributes)));
  const name = readName(der);
  checkNameBounds(name, 'name', 'name-malformed');
  return name;
}

/** What the sticky pattern matches at `at` (its group, else all of it), and where it ends. */
function matchAt(pattern: RegExp, text: string, at: number, wanted: string): [match: string, end: number] {
  pattern.lastIndex = at;
  const match = pattern.exec(text);
  if (match === null) throw malformed(`expected ${wanted} at "${text.slice(at, at + 20)}"`);
  return [match[1] ?? match[0], pattern.lastIndex];
}

function encodeAttribute(label: string, escaped: string): Buffer {
  const type = /^\d/.test(label) ? label : attributeTypeOf(label);
  if (type === undefined) throw malformed(`the attribute type "${label}" is not known`);
  const string = escaped.startsWith('#') ? fromHex(escaped) : fromText(type, escaped);
  try {
    return sequence(objectIdentifier(type), string);
  } catch (error) {
    if (error instanceof RangeError) throw malformed(error.message);
    throw error;
  }
}

/** "#0C0161": the DER of the value itself (RFC 4514 section 2.4). */
function fromHex(escaped: string): Buffer {
  const hex = escaped.slice(1).trimEnd();
  const der = Buffer.from(hex, 'hex');
  if (der.length * 2 !== hex.length) throw malformed(`"${escaped}" is not hexadecimal`);
  return readField('name-malformed', 'name', () => {
    const reader = new DerReader(der);
    const whole = reader.element();
    reader.finish();
    return whole;
  });
}

function fromText(type: string, escaped: string): Buffer {
  const octets: Buffer[] = [];
  for (const [, hex, character, plain] of withoutLastSpaces(escaped).matchAll(ESCAPES)) {
    octets.push(hex === undefined ? Buffer.from(character ?? plain ?? '') : Buffer.from(hex, 'hex'));
  }
  const utf8 = Buffer.concat(octets);
  if (!isUtf8(utf8)) throw malformed(`"${escaped}" is not UTF-8`);
  const stringTag = stringTags[preferredStringOf(type)];
  const content = stringTag === tag.utf8String ? utf8 : encodeString(stringTag, utf8.toString());
  return tlv(stringTag, checked(stringTag, content, utf8.toString()));
}

/** Unescaped spaces at the end do not count; an escaped one does. One pass: the text may have thousands of spaces elsewhere. */
function withoutLastSpaces(escaped: string): string {
  let end = escaped.length;
  while (escaped[end - 1] === ' ') end -= 1;
  let backslashes = 0;
  while (escaped[end - 1 - backslashes] === '\\') backslashes += 1;
  return escaped.slice(0, backslashes % 2 === 1 ? end + 1 : end);
}

/** Latin-1 would cut a character that the string type does not have: what was written must read back the same. */
function checked(stringTag: number, content: Buffer, text: string): Buffer {
  return readField('name-malformed', 'name', () => {
    if (decodeString(stringTag, content) === text) return content;
    throw new DerError(`"${text}" does not fit its string type`, 0);
  });
}

function malformed(problem: string): X509Error {
  return new X509Error('name-malformed', `The name is malformed: ${problem}`, 'name');
}
