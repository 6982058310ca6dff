import type { Name } from './name.ts';
import type { SubjectPublicKeyInfo } from './public-key.ts';
import type { Signed } from './signed.ts';

/** 32 KiB: an RSA-8192 request with a hundred names is under 8 KiB. */
export const MAX_CSR_BYTES = 32 * 1024;

export interface RequestedExtension {
  readonly oid: string;
  readonly critical: boolean;
  /** Inside the OCTET STRING. */
  readonly value: Buffer;
}

/** A PKCS #10 CertificationRequest (RFC 2986). */
export interface CertificationRequest extends Signed {
  readonly der: Buffer;
  readonly subject: Name;
  readonly publicKey: SubjectPublicKeyInfo;
  /** From extensionRequest (RFC 2985 5.4.2), in the CSR's order; no OID twice. */
  readonly extensions: readonly RequestedExtension[];
  /** Every other attribute, by name or dotted OID: "challengePassword", "unstructuredName", … */
  readonly unsupportedAttributes: readonly string[];
}

/**
 * The DER in a request body: DER itself, or exactly one PEM block CERTIFICATE REQUEST or NEW CERTIFICATE REQUEST.
 * Throws `X509Error` csr-too-large above 32 KiB (before anything is read), csr-malformed.
 */
export function csrDerFromBytes(body: Uint8Array): Buffer {
  throw new Error(String(body.length));
}

/** Reads a CSR without checking its signature. Throws `X509Error` naming the field. */
export function readCertificationRequest(der: Uint8Array): CertificationRequest {
  throw new Error(String(der.length));
}

/**
 * Checks on the thread pool that the CSR is signed by the key it carries. Throws `X509Error` csr-signature-invalid, or
 * csr-signature-unsupported for anything but SHA-2 (no MD5, no SHA-1). Call `checkPublicKey` before: it bounds the cost.
 */
export function verifyCertificationRequest(csr: CertificationRequest): Promise<void> {
  throw new Error(String(csr));
}
