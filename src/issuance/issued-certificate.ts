import type { CertificateRecord } from '../store/certificates.ts';

/** What a caller gets for a CSR. */
export interface IssuedCertificate {
  /** Lower-case hex of the serial's octets. */
  readonly serial: string;
  readonly certificatePem: string;
  /** The issuing CA first, the root last, concatenated PEM. */
  readonly chainPem: string;
  readonly authority: string;
  readonly profile: string;
  /** RFC 4514. */
  readonly subject: string;
  readonly sans: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Lower-case hex of the SHA-256 of the certificate's DER. */
  readonly fingerprint: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Of what the CSR carried, what did not reach the certificate: CSR attributes by name or dotted OID, and key usages. */
  readonly notHonoured: readonly string[];
  /** True when an Idempotency-Key brought back what was issued before. */
  readonly replayed: boolean;
}

export function issuedFromRecord(
  record: CertificateRecord,
  certificatePem: string,
  chain: string,
  answered: Pick<IssuedCertificate, 'notHonoured' | 'replayed'>,
): IssuedCertificate {
  const { serial, authority, profile, subject, sans, notBefore, notAfter, fingerprint, metadata } = record;
  return {
    serial,
    certificatePem,
    chainPem: chain,
    authority,
    profile,
    subject,
    sans,
    notBefore,
    notAfter,
    fingerprint,
    metadata,
    ...answered,
  };
}
