import type { KeyUsage } from './extensions.ts';

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
  /** URI of the CRL. */
  readonly crlDistributionPoint?: string;
  /** URI of the issuer's certificate (AuthorityInfoAccess). */
  readonly caIssuers?: string;
  /** Default true. The extension is always there, CA:FALSE. */
  readonly basicConstraintsCritical?: boolean;
}

/** Prepared bytes; opaque. */
export interface CertificateTemplate {
  readonly input: TemplateInput;
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

/** Encodes once what does not change. Throws `RangeError` on an OID or URI that is none. */
export function prepareTemplate(input: TemplateInput): CertificateTemplate {
  return { input };
}

/** The TBSCertificate: one allocation, prepared runs and the fields copied into it. Throws `RangeError` on a bad field. */
export function fillTemplate(template: CertificateTemplate, fields: CertificateFields): Buffer {
  throw new Error(`${template} ${fields}`);
}
