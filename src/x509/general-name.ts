import type { X509ErrorCode } from './x509-error.ts';

export type GeneralNameKind =
  | 'dns'
  | 'email'
  | 'uri'
  | 'ip'
  | 'directoryName'
  | 'otherName'
  | 'x400Address'
  | 'ediPartyName'
  | 'registeredID';

/** A GeneralName (RFC 5280 4.2.1.6). `value` is text: a host, an address, a URI, RFC 4514, "<oid>;<hex>", a dotted OID, or hex. */
export interface GeneralName {
  readonly kind: GeneralNameKind;
  readonly value: string;
  /** The whole element with its context tag. */
  readonly der: Buffer;
}

/**
 * Reads GeneralNames: at least one, each well formed for its kind. dNSName: LDH labels, at most 253 octets, single labels
 * allowed, a wildcard only as the whole leftmost label (see `isWildcard`). Throws `X509Error` (`code`, field `<field>[i]`).
 */
export function readGeneralNames(
  der: Uint8Array,
  field = 'generalNames',
  code: X509ErrorCode = 'san-malformed',
): GeneralName[] {
  throw new Error(`${der.length} ${field} ${code}`);
}

/** 'dns:a.example' (lower case), 'ip:10.0.0.1', 'email:…', 'uri:…', otherwise '<kind>:<value>'. */
export function formatGeneralName(name: GeneralName): string {
  throw new Error(name.value);
}

/** A dNSName whose leftmost label is "*". */
export function isWildcard(name: GeneralName): boolean {
  return name.kind === 'dns' && name.value.startsWith('*.');
}

/** Makes a GeneralName from text. Throws `X509Error` san-malformed. */
export function generalName(kind: 'dns' | 'email' | 'uri' | 'ip', value: string): GeneralName {
  throw new Error(kind + value);
}

/** GeneralNames DER, as `fillTemplate` takes it. */
export function encodeGeneralNames(names: readonly GeneralName[]): Buffer {
  throw new Error(String(names.length));
}
