import type { Name } from './name.ts';
import type { RevocationReason } from './revocation-reason.ts';
import type { Signed } from './signed.ts';

export type { RevocationReason } from './revocation-reason.ts';

export interface RevokedEntry {
  /** 1 to 20 octets, positive. */
  readonly serial: Buffer;
  readonly revocationDate: Date;
  readonly reason?: RevocationReason;
}

/** One member of revokedCertificates. No reason extension for unspecified (RFC 5280 5.3.1). */
export function encodeRevokedEntry(entry: RevokedEntry): Buffer {
  throw new Error(String(entry));
}

export interface CrlHeader {
  readonly signatureAlgorithm: Buffer;
  /** Name DER. */
  readonly issuer: Buffer;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly authorityKeyId: Buffer;
  readonly crlNumber: bigint;
  /** Concatenated entries, in as many chunks as there are. */
  readonly entries: readonly Buffer[];
}

/** TBSCertList v2 in chunks, the entries' own among them uncopied. revokedCertificates is absent when empty (5.1.2.6). */
export function encodeTbsCertList(header: CrlHeader): Buffer[] {
  throw new Error(String(header));
}

/** The CertificateList in one Buffer. */
export function assembleCrl(
  tbsChunks: readonly Buffer[],
  signatureAlgorithm: Buffer,
  signature: Buffer,
): Buffer {
  throw new Error(`${tbsChunks} ${signatureAlgorithm} ${signature}`);
}

export interface CrlEntry {
  /** Lower-case hex of the octets. */
  readonly serial: string;
  readonly revocationDate: Date;
  readonly reason?: RevocationReason;
}

export interface CertificateRevocationList extends Signed {
  readonly der: Buffer;
  readonly issuer: Name;
  readonly crlNumber: bigint;
  readonly authorityKeyId?: Buffer;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** Reads the entries one by one from the bytes; linear, and again from the start with each call. */
  entries(): Iterable<CrlEntry>;
}

/** Reads a v2 CRL with CRLNumber and nextUpdate, without checking its signature. Throws `X509Error` crl-malformed. */
export function readCrl(der: Uint8Array): CertificateRevocationList {
  throw new Error(String(der.length));
}
