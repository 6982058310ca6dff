/** One attribute of a relative distinguished name. `stringTag` is the ASN.1 string type, `value` the decoded text. */
export interface AttributeTypeAndValue {
  /** Dotted OID, e.g. "2.5.4.3". */
  readonly type: string;
  readonly stringTag: number;
  readonly value: string;
}

/** A distinguished name (RFC 5280 4.1.2.4). `der` is what was read, untouched: string types and order are kept. */
export interface Name {
  readonly der: Buffer;
  readonly rdns: readonly (readonly AttributeTypeAndValue[])[];
}

/**
 * Reads a Name. Throws `X509Error` (`code`, field `<field>.<label>`) on anything but strict DER, an unknown string type,
 * empty values, control characters, characters outside of the string type, or an attribute twice in one RDN.
 */
export function readName(der: Uint8Array, field = 'name', code: X509ErrorCode = 'name-malformed'): Name {
  throw new Error(`${der.length} ${field} ${code}`);
}

/** The value of the last commonName (the most specific), or undefined. */
export function commonNameOf(name: Name): string | undefined {
  throw new Error(String(name));
}

import type { X509ErrorCode } from './x509-error.ts';

export { attributeLabel } from './attribute-types.ts';
export { formatName, parseName } from './name-text.ts';
