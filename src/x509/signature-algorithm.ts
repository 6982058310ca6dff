import type { KeyObject } from 'node:crypto';

export type SignatureAlgorithmName =
  | 'ecdsa-with-SHA256'
  | 'ecdsa-with-SHA384'
  | 'ecdsa-with-SHA512'
  | 'sha256WithRSAEncryption'
  | 'sha384WithRSAEncryption'
  | 'sha512WithRSAEncryption'
  | 'Ed25519';

export interface SignatureAlgorithm {
  readonly name: SignatureAlgorithmName;
  /** AlgorithmIdentifier DER. */
  readonly der: Buffer;
  /** What `crypto.sign` takes: 'sha256', …; null for Ed25519. */
  readonly digest: string | null;
}

/**
 * The algorithm that a CA with this key signs with: the hash as strong as the key (RFC 5480 section 4, SP 800-57).
 * Throws `X509Error` key-type-unsupported.
 */
export function signatureAlgorithmFor(publicKey: KeyObject): SignatureAlgorithm {
  throw new Error(String(publicKey));
}
