import { createPublicKey, type KeyObject, sign as signWithKey } from 'node:crypto';
import { Fault } from '../fault.ts';
import { type SignatureAlgorithm, signatureAlgorithmFor } from '../x509/signature-algorithm.ts';

/** Signs with a CA's private key. Where the key lives (memory, PKCS #11) is the implementation's secret. */
export interface Signer {
  readonly algorithm: SignatureAlgorithm;
  readonly publicKey: KeyObject;
  /**
   * Signs `data` off the event loop.
   * @returns the content of the signatureValue BIT STRING (ECDSA: the DER of Ecdsa-Sig-Value, RFC 5480 appendix A).
   * @throws Fault `key-unavailable` when the key cannot sign now.
   */
  sign(data: Uint8Array): Promise<Buffer>;
}

/** A Signer over a private key held in this process's memory. */
export function createSoftwareSigner(privateKey: KeyObject): Signer {
  const publicKey = createPublicKey(privateKey);
  const algorithm = signatureAlgorithmFor(publicKey);
  return {
    algorithm,
    publicKey,
    sign: (data) =>
      new Promise((resolve, reject) => {
        // The callback form runs on libuv's thread pool: an RSA-4096 signature would hold the event loop for 3 ms.
        signWithKey(algorithm.digest, data, privateKey, (error, signature) => {
          if (error) reject(new Fault('key-unavailable', 'The authority could not sign', { cause: error }));
          else resolve(signature);
        });
      }),
  };
}
