import { createVerify, type KeyObject, verify } from 'node:crypto';
import { DerError } from '../encoding/der-error.ts';
import { DerReader } from '../encoding/der-reader.ts';
import { inSteps } from '../encoding/in-steps.ts';
import { isLarge, verifyApart } from '../keys/one-shot.ts';
import { readExistingScheme } from '../x509/existing-signature.ts';
import type { SubjectPublicKeyInfo } from '../x509/public-key.ts';
import type { SignatureScheme, Signed } from '../x509/signed.ts';
import { X509Error } from '../x509/x509-error.ts';
import { ImportProblem } from './import-problem.ts';

/** Algorithms that scripts have used and nobody should: what they signed is out there, and has to be revocable. */
const old: ReadonlyMap<string, SignatureScheme> = new Map([
  ['1.2.840.113549.1.1.5', { keyType: 'rsa', digest: 'sha1' }],
  ['1.2.840.10045.4.1', { keyType: 'ec', digest: 'sha1' }],
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
  try {
    // Parameters say nothing here: NULL and none at all are both in use.
    const known = old.get(new DerReader(algorithm).sequence().oid());
    if (known !== undefined) return known;
    return readExistingScheme(algorithm, 'signatureAlgorithm');
  } catch (error) {
    if (!(error instanceof X509Error || error instanceof DerError)) throw error;
    throw new ImportProblem('signature-unsupported', 'The algorithm of its signature is not known here', {
      cause: error,
    });
  }
}
