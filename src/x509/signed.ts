import {
  constants,
  KeyObject,
  type VerifyKeyObjectInput,
  type VerifyPublicKeyInput,
  verify,
} from 'node:crypto';
import { headerLength, writeHeader } from '../encoding/der-writer.ts';
import { encodePem } from '../encoding/pem.ts';
import { tag } from '../encoding/tag.ts';
import { readField } from './der-field.ts';
import type { PublicKeyAlgorithm, SubjectPublicKeyInfo } from './public-key.ts';
import { readPssScheme } from './rsa-pss.ts';
import { signatureAlgorithmOf } from './signature-algorithm.ts';
import { X509Error, type X509ErrorCode } from './x509-error.ts';

/** SIGNED{} (X.509): what a certificate, a CRL and a CSR have in common. All Buffers are views. */
export interface Signed {
  readonly tbs: Buffer;
  /** AlgorithmIdentifier DER. */
  readonly signatureAlgorithm: Buffer;
  /** Content of the BIT STRING. */
  readonly signature: Buffer;
}

/** SEQUENCE { tbs, algorithm, BIT STRING }. `signature` is the signature value as `crypto.sign` gives it. */
export function assembleSigned(tbs: Buffer, signatureAlgorithm: Buffer, signature: Buffer): Buffer {
  return assembleSignedChunks([tbs], signatureAlgorithm, signature);
}

/** `assembleSigned` for a TBS that stays in chunks: one Buffer, each byte copied once. */
export function assembleSignedChunks(
  tbsChunks: readonly Buffer[],
  signatureAlgorithm: Buffer,
  signature: Buffer,
): Buffer {
  const bits = 1 + signature.length;
  let length = signatureAlgorithm.length + headerLength(bits) + bits;
  for (const chunk of tbsChunks) length += chunk.length;
  const signed = Buffer.allocUnsafe(headerLength(length) + length);
  let at = writeHeader(signed, 0, tag.sequence, length);
  for (const chunk of tbsChunks) at += chunk.copy(signed, at);
  at += signatureAlgorithm.copy(signed, at);
  at = writeHeader(signed, at, tag.bitString, bits);
  signed[at] = 0;
  signature.copy(signed, at + 1);
  return signed;
}

interface PssOptions {
  readonly padding: number;
  readonly saltLength: number;
}

/** How to check a signature with `crypto.verify`. */
export interface SignatureScheme {
  readonly keyType: PublicKeyAlgorithm;
  readonly digest: string | null;
  /** Of RSASSA-PSS only. */
  readonly options?: PssOptions;
}

/**
 * Checks the signature on the thread pool; false when it is not by `publicKey`. SHA-2 with RSA (PKCS #1 1.5, PSS), ECDSA, Ed25519;
 * any other algorithm is an `X509Error` with `code`, naming `field`.
 */
export async function verifySigned(
  signed: Signed,
  publicKey: SubjectPublicKeyInfo | KeyObject,
  field: string,
  code: X509ErrorCode = 'signature-unsupported',
): Promise<boolean> {
  return await verifyByScheme(readSignatureScheme(signed.signatureAlgorithm, field, code), signed, publicKey);
}

/** The same with a scheme that was read before. */
export async function verifyByScheme(
  { keyType, digest, options }: SignatureScheme,
  signed: Signed,
  publicKey: SubjectPublicKeyInfo | KeyObject,
): Promise<boolean> {
  const isKeyObject = publicKey instanceof KeyObject;
  if (keyType !== (isKeyObject ? publicKey.asymmetricKeyType : publicKey.algorithm)) return false;
  // As PEM: Node finds out that an object is no KeyObject by throwing and catching. That makes the check with the DER in an
  // object a third dearer, and with a KeyObject per CSR dearer still (measured on Node 24).
  const bare = isKeyObject ? publicKey : encodePem('PUBLIC KEY', publicKey.der);
  const key = options === undefined ? bare : keyWith(bare, options);
  return new Promise((resolve) => {
    // An error is OpenSSL's on hostile input (a modulus shorter than the digest): no signature, and no fault of ours.
    try {
      verify(digest, signed.tbs, key, signed.signature, (error, valid) => resolve(error === null && valid));
    } catch {
      resolve(false);
    }
  });
}

function keyWith(key: KeyObject | string, options: PssOptions): VerifyKeyObjectInput | VerifyPublicKeyInput {
  return typeof key === 'string' ? { key, ...options } : { key, ...options };
}

/** Throws `X509Error` with `code` for what `verifySigned` does not check. */
export function readSignatureScheme(
  algorithm: Buffer,
  field: string,
  code: X509ErrorCode = 'signature-unsupported',
): SignatureScheme {
  const known = signatureAlgorithmOf(algorithm);
  if (known !== undefined) return { keyType: known.keyType, digest: known.digest };
  const pss = readField(code, field, () => readPssScheme(algorithm));
  if (pss === undefined) {
    throw new X509Error(
      code,
      `${field}: only SHA-256, SHA-384 and SHA-512 with RSA or ECDSA, and Ed25519, are accepted`,
      field,
    );
  }
  const options = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: pss.saltLength };
  return { keyType: 'rsa', digest: pss.digest, options };
}
