import {
  boolean,
  integer,
  namedBits,
  nullValue,
  objectIdentifier,
  octetString,
  sequence,
  tlv,
} from '../encoding/der-writer.ts';
import { contextConstructed, contextPrimitive } from '../encoding/tag.ts';
import { generalName } from './general-name.ts';

/** Extension OIDs (RFC 5280 4.2, 5.2, 5.3). */
export const extensionOid = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  crlNumber: '2.5.29.20',
  reasonCode: '2.5.29.21',
  deltaCrlIndicator: '2.5.29.27',
  issuingDistributionPoint: '2.5.29.28',
  crlDistributionPoints: '2.5.29.31',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  freshestCrl: '2.5.29.46',
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',
  ocspNoCheck: '1.3.6.1.5.5.7.48.1.5',
  nameConstraints: '2.5.29.30',
  certificatePolicies: '2.5.29.32',
  policyMappings: '2.5.29.33',
  policyConstraints: '2.5.29.36',
  inhibitAnyPolicy: '2.5.29.54',
  ipAddrBlocks: '1.3.6.1.5.5.7.1.7',
  autonomousSysIds: '1.3.6.1.5.5.7.1.8',
  proxyCertInfo: '1.3.6.1.5.5.7.1.14',
  netscapeCertType: '2.16.840.1.113730.1.1',
} as const;

const labels: ReadonlyMap<string, string> = new Map(
  Object.entries(extensionOid).map(([label, oid]) => [oid, label]),
);

/** "subjectAltName", …; the dotted OID of an extension without a label here. */
export function extensionLabel(oid: string): string {
  return labels.get(oid) ?? oid;
}

/** Key usages in the order of their bits (RFC 5280 4.2.1.3). */
export const keyUsages = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;
export type KeyUsage = (typeof keyUsages)[number];

export interface BasicConstraints {
  readonly ca: boolean;
  /** How many CA certificates may follow in the path; absent: any number. */
  readonly pathLength?: number;
}

/** A whole Extension: DER leaves out `critical` where it is FALSE, the default (X.690 11.5). */
export function encodeExtension(oid: string, critical: boolean, value: Uint8Array): Buffer {
  const parts = [objectIdentifier(oid), ...(critical ? [boolean(true)] : []), octetString(value)];
  return sequence(...parts);
}

/** Critical, as RFC 5280 4.2.1.3 recommends. Throws `RangeError` when empty: at least one bit must be set. */
export function keyUsageExtension(usages: readonly KeyUsage[]): Buffer {
  if (usages.length === 0) throw new RangeError('KeyUsage holds at least one usage');
  const bits = usages.map((usage) => keyUsages.indexOf(usage));
  return encodeExtension(extensionOid.keyUsage, true, namedBits(bits));
}

/** Throws `RangeError` when empty (SIZE (1..MAX)) or on an OID that is none. */
export function extendedKeyUsageExtension(oids: readonly string[]): Buffer {
  if (oids.length === 0) throw new RangeError('ExtendedKeyUsage holds at least one purpose');
  return encodeExtension(extensionOid.extendedKeyUsage, false, sequence(...oids.map(objectIdentifier)));
}

export function basicConstraintsExtension(constraints: BasicConstraints, critical = true): Buffer {
  const parts = constraints.ca ? [boolean(true)] : [];
  if (constraints.ca && constraints.pathLength !== undefined) parts.push(integer(constraints.pathLength));
  return encodeExtension(extensionOid.basicConstraints, critical, sequence(...parts));
}

export function subjectKeyIdentifierExtension(keyId: Buffer): Buffer {
  return encodeExtension(extensionOid.subjectKeyIdentifier, false, octetString(keyId));
}

export function authorityKeyIdentifierExtension(keyId: Buffer): Buffer {
  const value = sequence(tlv(contextPrimitive(0), keyId));
  return encodeExtension(extensionOid.authorityKeyIdentifier, false, value);
}

/** `generalNames` is GeneralNames DER. */
export function subjectAltNameExtension(generalNames: Buffer, critical: boolean): Buffer {
  return encodeExtension(extensionOid.subjectAltName, critical, generalNames);
}

/**
 * A DistributionPoint for each URI (RFC 5280 4.2.1.13): several names in one would be of the same CRL. Throws `X509Error`
 * san-malformed on a malformed URI, `RangeError` without any.
 */
export function crlDistributionPointsExtension(uris: readonly string[]): Buffer {
  if (uris.length === 0) throw new RangeError('CRLDistributionPoints holds at least one');
  return encodeExtension(extensionOid.crlDistributionPoints, false, distributionPoints(uris));
}

/** Where the delta CRL is (RFC 5280 4.2.1.15, 5.2.6), of a certificate or of a complete CRL. Throws as the one above. */
export function freshestCrlExtension(uri: string): Buffer {
  return encodeExtension(extensionOid.freshestCrl, false, distributionPoints([uri]));
}

function distributionPoints(uris: readonly string[]): Buffer {
  return sequence(...uris.map((uri) => sequence(distributionPointName(uri))));
}

/** `distributionPoint [0]` with a fullName of one URI, the same in a DistributionPoint and an IssuingDistributionPoint. */
function distributionPointName(uri: string): Buffer {
  return tlv(contextConstructed(0), tlv(contextConstructed(0), generalName('uri', uri).der));
}

const OCSP = '1.3.6.1.5.5.7.48.1';
const CA_ISSUERS = '1.3.6.1.5.5.7.48.2';

/** Where more about a certificate is. */
export interface InfoAccess {
  /** URI of the OCSP responder. */
  readonly ocsp?: string;
  /** URI of the issuer's certificate. */
  readonly caIssuers?: string;
}

/** AuthorityInfoAccess (RFC 5280 4.2.2.1). Throws `X509Error` san-malformed on a malformed URI, `RangeError` when empty. */
export function authorityInfoAccessExtension({ ocsp, caIssuers }: InfoAccess): Buffer {
  const descriptions = [
    ...(ocsp === undefined ? [] : [accessDescription(OCSP, ocsp)]),
    ...(caIssuers === undefined ? [] : [accessDescription(CA_ISSUERS, caIssuers)]),
  ];
  if (descriptions.length === 0) throw new RangeError('AuthorityInfoAccess holds at least one description');
  return encodeExtension(extensionOid.authorityInfoAccess, false, sequence(...descriptions));
}

function accessDescription(method: string, uri: string): Buffer {
  return sequence(objectIdentifier(method), generalName('uri', uri).der);
}

/** CRLNumber (RFC 5280 5.2.3): at most 20 octets. Throws `RangeError`. */
export function crlNumberExtension(number: bigint): Buffer {
  return encodeExtension(extensionOid.crlNumber, false, crlNumber(number));
}

/** Makes a CRL a delta to the complete one with the number `base` (RFC 5280 5.2.4); critical. Throws `RangeError`. */
export function deltaCrlIndicatorExtension(base: bigint): Buffer {
  return encodeExtension(extensionOid.deltaCrlIndicator, true, crlNumber(base));
}

function crlNumber(number: bigint): Buffer {
  if (number < 0n || number >= 2n ** 159n) throw new RangeError(`${number} is no CRL number`);
  return integer(number);
}

/**
 * Makes a CRL one part of several: for the certificates that name this very URI as their distribution point (RFC 5280
 * 5.2.5, 6.3.3); critical. Throws `X509Error` san-malformed on a malformed URI.
 */
export function issuingDistributionPointExtension(uri: string): Buffer {
  return encodeExtension(extensionOid.issuingDistributionPoint, true, sequence(distributionPointName(uri)));
}

/** id-pkix-ocsp-nocheck (RFC 6960 4.2.2.2.1): nobody asks whether the responder's own certificate is revoked. */
export function ocspNoCheckExtension(): Buffer {
  return encodeExtension(extensionOid.ocspNoCheck, false, nullValue());
}
