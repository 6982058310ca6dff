import { createVerify, type KeyObject, verify } from 'node:crypto';
import { inSteps } from '../encoding/in-steps.ts';
import { isLarge, verifyApart } from '../keys/one-shot.ts';
import type { SubjectPublicKeyInfo } from '../x509/public-key.ts';
import { readSignatureScheme, type SignatureScheme, type Signed } from '../x509/signed.ts';
import { X509Error } from '../x509/x509-error.ts';
import { ImportProblem } from './import-problem.ts';

/** Algorithms that scripts have used and nobody should: what they signed is out there, and has to be revocable. */
const old: ReadonlyMap<string, SignatureScheme> = new Map([
  ['300d06092a864886f70d0101050500', { keyType: 'rsa', digest: 'sha1' }],
  ['300d06092a864886f70d01010e0500', { keyType: 'rsa', digest: 'sha224' }],
  ['300906072a8648ce3d0401', { keyType: 'ec', digest: 'sha1' }],
  ['300a06082a8648ce3d040301', { keyType: 'ec', digest: 'sha224' }],
]);

/**
 * Whether this was signed with the key, checked on the thread pool, or in steps where it is large. Throws `ImportProblem`
 * signature-unsupported.
 */
export async function isSignedBy(signed: Signed, publicKey: SubjectPublicKeyInfo): Promise<boolean> {
  const { keyType, digest, options } = schemeOf(signed.signatureAlgorithm);
  if (keyType !== publicKey.algorithm) return false;
  const key = publicKey.keyObject;
  const { tbs, signature } = signed;
  if (isLarge([tbs])) {
    if (digest === null) return await verifyApart([tbs], key, signature);
    const verifying = createVerify(digest);
    await inSteps([tbs], (step) => verifying.update(step));
    return verifying.verify({ key, ...options }, signature);
  }
  return await verifyOnPool(digest, tbs, { key, ...options }, signature);
}

function verifyOnPool(
  digest: string | null,
  tbs: Buffer,
  key: { readonly key: KeyObject },
  signature: Buffer,
): Promise<boolean> {
  return new Promise((resolve) => {
    // An error is OpenSSL's on hostile input: no signature, and no fault of ours.
    verify(digest, tbs, key, signature, (error, valid) => resolve(error === null && valid));
  });
}

function schemeOf(algorithm: Buffer): SignatureScheme {
  const known = old.get(algorithm.toString('hex'));
  if (known !== undefined) return known;
  try {
    return readSignatureScheme(algorithm, 'signatureAlgorithm');
  } catch (error) {
    if (!(error instanceof X509Error)) throw error;
    throw new ImportProblem('signature-unsupported', 'The algorithm of its signature is not known here', {
      cause: error,
    });
  }
}
