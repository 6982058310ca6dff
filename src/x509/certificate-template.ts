import { DerReader } from '../encoding/der-reader.ts';
import { headerLength, writeHeader } from '../encoding/der-writer.ts';
import { contextConstructed, tag } from '../encoding/tag.ts';
import {
  authorityInfoAccessExtension,
  authorityKeyIdentifierExtension,
  basicConstraintsExtension,
  crlDistributionPointsExtension,
  extendedKeyUsageExtension,
  extensionOid,
  freshestCrlExtension,
  type InfoAccess,
  type KeyUsage,
  keyUsageExtension,
  subjectAltNameExtension,
  subjectKeyIdentifierExtension,
} from './extensions.ts';
import { SERIAL_OCTETS } from './serial.ts';
import { encodeTime } from './time.ts';

export type { KeyUsage } from './extensions.ts';
export { assembleSigned, assembleSignedChunks } from './signed.ts';

/** What every certificate of one authority and profile has in common. Buffers hold DER. */
export interface TemplateInput {
  readonly issuerName: Buffer;
  /** Content of the issuer's SubjectKeyIdentifier. */
  readonly issuerKeyId: Buffer;
  /** AlgorithmIdentifier. */
  readonly signatureAlgorithm: Buffer;
  readonly keyUsage: readonly KeyUsage[];
  /** OIDs. */
  readonly extendedKeyUsage: readonly string[];
  /** URIs of CRLs any of which covers the certificate, the preferred one first. */
  readonly crlDistributionPoints?: readonly string[];
  /** URI of the delta CRL. */
  readonly freshestCrl?: string;
  readonly infoAccess?: InfoAccess;
  /** Default true. The extension is always there, CA:FALSE. */
  readonly basicConstraintsCritical?: boolean;
  /** Whole Extension elements that only this kind of certificate has. */
  readonly ownExtensions?: readonly Buffer[];
}

/** Byte runs prepared once; only `fillTemplate` reads them. */
export interface CertificateTemplate {
  /** signature and issuer: what stands between serial and validity. */
  readonly afterSerial: Buffer;
  /** Every extension that does not depend on the request, concatenated. */
  readonly extensions: Buffer;
  /** Their OIDs, and those that `fillTemplate` writes itself. */
  readonly extensionOids: ReadonlySet<string>;
}

export interface CertificateFields {
  /** 16 octets, the first from 01 to 7f: see `serialFromRandom`. */
  readonly serial: Buffer;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Name DER. */
  readonly subject: Buffer;
  /** SubjectPublicKeyInfo DER. */
  readonly spki: Buffer;
  readonly subjectKeyId: Buffer;
  /** `der` is GeneralNames. An empty subject needs critical (RFC 5280 4.2.1.6). */
  readonly subjectAltName?: { readonly der: Buffer; readonly critical: boolean };
  /** Whole Extension elements; no OID that the template has itself. */
  readonly extraExtensions?: readonly Buffer[];
}

/** Encodes once what does not change. Throws `RangeError` on an OID that is none, `X509Error` on such a URI. */
export function prepareTemplate(input: TemplateInput): CertificateTemplate {
  const extensions = [
    basicConstraintsExtension({ ca: false }, input.basicConstraintsCritical ?? true),
    keyUsageExtension(input.keyUsage),
    ...(input.extendedKeyUsage.length > 0 ? [extendedKeyUsageExtension(input.extendedKeyUsage)] : []),
    authorityKeyIdentifierExtension(input.issuerKeyId),
    ...(input.crlDistributionPoints ? [crlDistributionPointsExtension(input.crlDistributionPoints)] : []),
    ...(input.freshestCrl === undefined ? [] : [freshestCrlExtension(input.freshestCrl)]),
    ...(input.infoAccess ? [authorityInfoAccessExtension(input.infoAccess)] : []),
    ...(input.ownExtensions ?? []),
  ];
  const own = [extensionOid.subjectKeyIdentifier, extensionOid.subjectAltName];
  return {
    afterSerial: Buffer.concat([input.signatureAlgorithm, input.issuerName]),
    extensions: Buffer.concat(extensions),
    extensionOids: new Set([...extensions.map(oidOfExtension), ...own]),
  };
}

function oidOfExtension(extension: Buffer): string {
  return new DerReader(extension).sequence().oid();
}

/** `[0] EXPLICIT INTEGER 2`: version 3. */
const VERSION_3 = Buffer.from('a003020102', 'hex');

/** The TBSCertificate: one allocation, prepared runs and the fields copied into it. Throws `RangeError` on a bad field. */
export function fillTemplate(template: CertificateTemplate, fields: CertificateFields): Buffer {
  checkFields(template, fields);
  const { serial, subject, spki, subjectAltName, extraExtensions = [] } = fields;
  const notBefore = encodeTime(fields.notBefore);
  const notAfter = encodeTime(fields.notAfter);
  const extensions = [template.extensions, subjectKeyIdentifierExtension(fields.subjectKeyId)];
  if (subjectAltName) extensions.push(subjectAltNameExtension(subjectAltName.der, subjectAltName.critical));
  for (const extension of extraExtensions) extensions.push(extension);

  const listLength = extensions.reduce((length, { length: own }) => length + own, 0);
  const explicitLength = headerLength(listLength) + listLength;
  const validityLength = notBefore.length + notAfter.length;
  const length =
    VERSION_3.length +
    (2 + serial.length) +
    template.afterSerial.length +
    (2 + validityLength) +
    subject.length +
    spki.length +
    (headerLength(explicitLength) + explicitLength);

  const tbs = Buffer.allocUnsafe(headerLength(length) + length);
  let at = writeHeader(tbs, 0, tag.sequence, length);
  at += VERSION_3.copy(tbs, at);
  at = writeHeader(tbs, at, tag.integer, serial.length);
  at += serial.copy(tbs, at);
  at += template.afterSerial.copy(tbs, at);
  at = writeHeader(tbs, at, tag.sequence, validityLength);
  at += notBefore.copy(tbs, at);
  at += notAfter.copy(tbs, at);
  at += subject.copy(tbs, at);
  at += spki.copy(tbs, at);
  at = writeHeader(tbs, at, contextConstructed(3), explicitLength);
  at = writeHeader(tbs, at, tag.sequence, listLength);
  for (const extension of extensions) at += extension.copy(tbs, at);
  return tbs;
}

/** What would make a certificate that RFC 5280 forbids is a fault of the caller, found before it is signed. */
function checkFields(template: CertificateTemplate, fields: CertificateFields): void {
  const first = fields.serial[0] ?? 0;
  if (fields.serial.length !== SERIAL_OCTETS || first === 0 || first > 0x7f) {
    throw new RangeError('The serial must have 16 octets, the first from 01 to 7f');
  }
  if (fields.notAfter < fields.notBefore) throw new RangeError('notAfter lies before notBefore');
  if (fields.subject.length <= 2 && !fields.subjectAltName?.critical) {
    throw new RangeError('An empty subject needs a critical subjectAltName (RFC 5280 4.1.2.6)');
  }
  const seen = new Set<string>();
  for (const extension of fields.extraExtensions ?? []) {
    const oid = oidOfExtension(extension);
    if (template.extensionOids.has(oid) || seen.has(oid)) {
      throw new RangeError(`The extension ${oid} would stand twice (RFC 5280 4.2)`);
    }
    seen.add(oid);
  }
}
