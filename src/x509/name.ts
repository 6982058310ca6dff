export { attributeLabel } from './attribute-types.ts';
export { readExistingName } from './existing-name.ts';
export { formatName } from './name-format.ts';
export { resemblesName, sameName } from './name-match.ts';
export { parseName } from './name-parser.ts';
export { checkNameBounds, readName } from './name-reader.ts';

import { isText } from './existing-name.ts';

const COMMON_NAME = '2.5.4.3';

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

/** The value of the last commonName that is text (the most specific), or undefined. */
export function commonNameOf(name: Name): string | undefined {
  return name.rdns.flat().findLast((attribute) => attribute.type === COMMON_NAME && isText(attribute))?.value;
}
