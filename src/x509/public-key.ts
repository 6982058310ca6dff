import type { KeyObject } from 'node:crypto';

export type PublicKeyAlgorithm = 'rsa' | 'ec' | 'ed25519';
export type CurveName = 'P-256' | 'P-384' | 'P-521';

export interface SubjectPublicKeyInfo {
  readonly der: Buffer;
  readonly algorithm: PublicKeyAlgorithm;
  readonly curve?: CurveName;
  /** Modulus or field size; 256 for Ed25519. */
  readonly bits: number;
  readonly keyObject: KeyObject;
  /** RSA: big-endian magnitude. */
  readonly modulus?: Buffer;
  readonly exponent?: bigint;
  /** Content of the BIT STRING, without the octet of unused bits. */
  readonly subjectPublicKey: Buffer;
}

/**
 * Reads a SubjectPublicKeyInfo (RFC 3279, 5480, 8410). EC: named curves only, uncompressed point on the curve, not infinity.
 * Throws `X509Error` key-malformed or key-type-unsupported with `field`.
 */
export function readSubjectPublicKeyInfo(
  der: Uint8Array,
  field = 'subjectPublicKeyInfo',
): SubjectPublicKeyInfo {
  throw new Error(`${der.length} ${field}`);
}

/** RFC 5280 4.2.1.2 (1): SHA-1 of the BIT STRING's content, 20 octets. */
export function subjectKeyIdentifier(spki: SubjectPublicKeyInfo): Buffer {
  throw new Error(String(spki));
}

/** SHA-256 of the whole SubjectPublicKeyInfo, 32 octets. */
export function spkiSha256(spki: SubjectPublicKeyInfo): Buffer {
  throw new Error(String(spki));
}
