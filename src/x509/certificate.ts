import type { RequestedExtension } from './certification-request.ts';
import type { BasicConstraints, KeyUsage } from './extensions.ts';
import type { Name } from './name.ts';
import type { SubjectPublicKeyInfo } from './public-key.ts';
import type { Signed } from './signed.ts';

export type Extension = RequestedExtension;

export interface Certificate extends Signed {
  readonly der: Buffer;
  /** Lower-case hex of the octets. */
  readonly serial: string;
  readonly issuer: Name;
  readonly subject: Name;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: SubjectPublicKeyInfo;
  readonly basicConstraints?: BasicConstraints;
  readonly keyUsage?: readonly KeyUsage[];
  readonly subjectKeyId?: Buffer;
  /** keyIdentifier of AuthorityKeyIdentifier. */
  readonly authorityKeyId?: Buffer;
  readonly extensions: readonly Extension[];
}

/** Reads an X.509 certificate (v1 or v3) without checking its signature. Throws `X509Error` certificate-malformed, key-…. */
export function readCertificate(der: Uint8Array): Certificate {
  throw new Error(String(der.length));
}

export interface CaCertificateInput {
  /** 1 to 20 octets, positive. */
  readonly serial: Buffer;
  /** Name DER. */
  readonly subject: Buffer;
  /** Who signs; absent for a self-signed certificate. */
  readonly issuer?: { readonly name: Buffer; readonly keyId: Buffer };
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: SubjectPublicKeyInfo;
  /** AlgorithmIdentifier of the signer. */
  readonly signatureAlgorithm: Buffer;
  readonly pathLength?: number;
}

/** TBSCertificate of a CA: BasicConstraints (critical) CA:TRUE, KeyUsage (critical) keyCertSign and cRLSign, SKI, AKI. */
export function encodeCaCertificate(input: CaCertificateInput): Buffer {
  throw new Error(String(input));
}
