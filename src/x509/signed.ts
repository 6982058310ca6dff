import type { KeyObject } from 'node:crypto';
import type { X509ErrorCode } from './x509-error.ts';

/** SIGNED{} (X.509): what a certificate, a CRL and a CSR have in common. All Buffers are views. */
export interface Signed {
  readonly tbs: Buffer;
  /** AlgorithmIdentifier DER. */
  readonly signatureAlgorithm: Buffer;
  /** Content of the BIT STRING. */
  readonly signature: Buffer;
}

/** SEQUENCE { tbs, algorithm, BIT STRING }. */
export function assembleSigned(tbs: Buffer, signatureAlgorithm: Buffer, signature: Buffer): Buffer {
  return assembleSignedChunks([tbs], signatureAlgorithm, signature);
}

/** `assembleSigned` for a TBS that stays in chunks: one Buffer, each byte copied once. */
export function assembleSignedChunks(
  tbsChunks: readonly Buffer[],
  signatureAlgorithm: Buffer,
  signature: Buffer,
): Buffer {
  throw new Error(`${tbsChunks} ${signatureAlgorithm} ${signature}`);
}

/** Checks the signature on the thread pool. SHA-2 with RSA (PKCS #1 1.5, PSS), ECDSA, Ed25519; else throws `X509Error` with `code`. */
export function verifySigned(
  signed: Signed,
  key: KeyObject,
  field: string,
  code: X509ErrorCode = 'signature-unsupported',
): Promise<boolean> {
  throw new Error(`${signed} ${key} ${field} ${code}`);
}
