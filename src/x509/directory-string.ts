import { isUtf8 } from 'node:buffer';
import { DerError } from '../encoding/der-error.ts';
import { tag } from '../encoding/tag.ts';

/**
 * Control characters, line separators and direction overrides: they forge log lines and hide what a name says.
 * NUL among them, which has cut names short in C programs (CVE-2009-2408).
 */
const FORBIDDEN = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;
const PRINTABLE = /^[A-Za-z0-9 '()+,\-./:=?]*$/;
const NUMERIC = /^[0-9 ]*$/;
const ASCII = /^[\x20-\x7e]*$/;

/**
 * The text of a string type of names (RFC 5280 DirectoryString, and IA5String, NumericString).
 * Throws `DerError` on another type, on bytes outside of the type's set, on empty or blank text and control characters.
 */
export function decodeString(stringTag: number, content: Buffer): string {
  const text = decodeCharacters(stringTag, content);
  if (text.trim() === '') throw new DerError('A string is empty', 0);
  if (FORBIDDEN.test(text)) throw new DerError('A string holds a control character', 0);
  return text;
}

/** The text whatever it says. Throws `DerError` on another type and on bytes outside of the type's set. */
export function decodeCharacters(stringTag: number, content: Buffer): string {
  switch (stringTag) {
    case tag.utf8String:
      if (!isUtf8(content)) throw new DerError('A UTF8String is not UTF-8', 0);
      return content.toString('utf8');
    case tag.printableString:
      return restricted(content, PRINTABLE, 'PrintableString');
    case tag.ia5String:
      return restricted(content, ASCII, 'IA5String');
    case tag.numericString:
      return restricted(content, NUMERIC, 'NumericString');
    case tag.teletexString:
      // T.61 proper is never meant: every issuer and OpenSSL use Latin-1.
      return content.toString('latin1');
    case tag.bmpString:
      return fixedWidth(content, 2, 'BMPString');
    case tag.universalString:
      return fixedWidth(content, 4, 'UniversalString');
    default:
      throw new DerError(`Tag ${stringTag.toString(16).padStart(2, '0')} is not a string type of names`, 0);
  }
}

function restricted(content: Buffer, set: RegExp, type: string): string {
  const text = content.toString('latin1');
  if (!set.test(text)) throw new DerError(`A ${type} holds a character outside of its set`, 0);
  return text;
}

/** Big-endian code points of `width` octets; surrogates are no characters, in UCS-2 neither. */
function fixedWidth(content: Buffer, width: 2 | 4, type: string): string {
  if (content.length % width !== 0) throw new DerError(`A ${type} is cut off`, 0);
  let text = '';
  for (let at = 0; at < content.length; at += width) {
    const point = content.readUIntBE(at, width);
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
      throw new DerError(`A ${type} holds a character outside of its set`, 0);
    }
    text += String.fromCodePoint(point);
  }
  return text;
}

/** Content octets of `text` in a string type that `decodeString` reads; the inverse of it. */
export function encodeString(stringTag: number, text: string): Buffer {
  switch (stringTag) {
    case tag.utf8String:
      return Buffer.from(text, 'utf8');
    case tag.bmpString:
      return Buffer.from(text, 'utf16le').swap16();
    case tag.universalString:
      return Buffer.from(
        [...text].flatMap((c) => {
          const point = c.codePointAt(0) ?? 0;
          return [0, point >> 16, (point >> 8) & 0xff, point & 0xff];
        }),
      );
    default:
      return Buffer.from(text, 'latin1');
  }
}
