/**
 * Attribute types of names: their labels (OpenSSL's short names, which nginx prints) and the upper bounds on their
 * length in characters (RFC 5280 appendix A.1; X.520 for the others).
 */
interface AttributeType {
  readonly label: string;
  readonly maxCharacters?: number;
  readonly string?: 'printable' | 'ia5';
}

const attributeTypes: ReadonlyMap<string, AttributeType> = new Map(
  Object.entries({
    '2.5.4.3': { label: 'CN', maxCharacters: 64 },
    '2.5.4.4': { label: 'SN', maxCharacters: 32768 },
    '2.5.4.5': { label: 'serialNumber', maxCharacters: 64, string: 'printable' },
    '2.5.4.6': { label: 'C', maxCharacters: 2, string: 'printable' },
    '2.5.4.7': { label: 'L', maxCharacters: 128 },
    '2.5.4.8': { label: 'ST', maxCharacters: 128 },
    '2.5.4.9': { label: 'street' },
    '2.5.4.10': { label: 'O', maxCharacters: 64 },
    '2.5.4.11': { label: 'OU', maxCharacters: 64 },
    '2.5.4.12': { label: 'title', maxCharacters: 64 },
    '2.5.4.13': { label: 'description', maxCharacters: 1024 },
    '2.5.4.15': { label: 'businessCategory', maxCharacters: 128 },
    '2.5.4.17': { label: 'postalCode', maxCharacters: 40 },
    '2.5.4.41': { label: 'name', maxCharacters: 32768 },
    '2.5.4.42': { label: 'GN', maxCharacters: 32768 },
    '2.5.4.43': { label: 'initials', maxCharacters: 32768 },
    '2.5.4.44': { label: 'generationQualifier', maxCharacters: 32768 },
    '2.5.4.46': { label: 'dnQualifier', string: 'printable' },
    '2.5.4.65': { label: 'pseudonym', maxCharacters: 128 },
    '2.5.4.97': { label: 'organizationIdentifier' },
    '0.9.2342.19200300.100.1.1': { label: 'UID', maxCharacters: 256 },
    '0.9.2342.19200300.100.1.25': { label: 'DC', maxCharacters: 63, string: 'ia5' },
    '1.2.840.113549.1.9.1': { label: 'emailAddress', maxCharacters: 255, string: 'ia5' },
    '1.2.840.113549.1.9.2': { label: 'unstructuredName' },
  } satisfies Record<string, AttributeType>),
);

const oidsByLabel: ReadonlyMap<string, string> = new Map(
  [...attributeTypes].map(([oid, { label }]) => [label.toLowerCase(), oid]),
);

/** "CN", "O", …; the dotted OID of a type without a label. */
export function attributeLabel(oid: string): string {
  return attributeTypes.get(oid)?.label ?? oid;
}

/** The OID of a label, whatever its case; undefined when there is none. */
export function attributeTypeOf(label: string): string | undefined {
  return oidsByLabel.get(label.toLowerCase());
}

/** The most characters that a value may have; Infinity where no standard sets a bound. */
export function maxCharactersOf(oid: string): number {
  return attributeTypes.get(oid)?.maxCharacters ?? Number.POSITIVE_INFINITY;
}

/** The string type that RFC 5280 appendix A.1 prescribes; UTF8String for all others (4.1.2.4). */
export function preferredStringOf(oid: string): 'printable' | 'ia5' | 'utf8' {
  return attributeTypes.get(oid)?.string ?? 'utf8';
}
