import { createPublicKey, createSign, type KeyObject, sign as signWithKey } from 'node:crypto';
import { promisify } from 'node:util';
import { inSteps } from '../encoding/in-steps.ts';
import { Fault } from '../fault.ts';
import { type SignatureAlgorithm, signatureAlgorithmFor } from '../x509/signature-algorithm.ts';
import { isLarge, signApart } from './one-shot.ts';

/** Signs with a CA's private key. Where the key lives (memory, PKCS #11) is the implementation's secret. */
export interface Signer {
  readonly algorithm: SignatureAlgorithm;
  readonly publicKey: KeyObject;
  /**
   * Signs `data`; off the event loop unless that is done in microseconds.
   * @returns the content of the signatureValue BIT STRING (ECDSA: the DER of Ecdsa-Sig-Value, RFC 5480 appendix A).
   * @throws Fault `key-unavailable` when the key cannot sign now.
   */
  sign(data: Uint8Array): Promise<Buffer>;
  /** `sign` of what is large and in chunks, without a copy of it, in steps that let others have their turn. */
  signChunks(chunks: readonly Uint8Array[]): Promise<Buffer>;
}

const signOnPool = promisify(signWithKey);

/** P-256 and Ed25519 sign this much in some 30 µs: less than handing it to another thread and back takes. */
const quickKeys: ReadonlySet<string> = new Set(['prime256v1', 'ed25519']);
const quickOctets = 8 * 1024;

/** A Signer over a private key held in this process's memory. */
export function createSoftwareSigner(privateKey: KeyObject): Signer {
  const publicKey = createPublicKey(privateKey);
  const algorithm = signatureAlgorithmFor(publicKey);
  const { asymmetricKeyType = '', asymmetricKeyDetails } = publicKey;
  const quick = quickKeys.has(asymmetricKeyDetails?.namedCurve ?? asymmetricKeyType);
  const sign = async (data: Uint8Array): Promise<Buffer> => {
    if (quick && data.length <= quickOctets) return signWithKey(algorithm.digest, data, privateKey);
    // On libuv's thread pool: an RSA-4096 signature would hold the event loop for 3 ms.
    return await signOnPool(algorithm.digest, data, privateKey);
  };
  return {
    algorithm,
    publicKey,
    sign: (data) => orUnavailable(() => sign(data)),
    signChunks: (chunks) =>
      orUnavailable(async () => {
        if (!isLarge(chunks)) return await sign(Buffer.concat(chunks));
        if (algorithm.digest === null) return await signApart(chunks, privateKey);
        const signing = createSign(algorithm.digest);
        await inSteps(chunks, (step) => signing.update(step));
        return signing.sign(privateKey);
      }),
  };
}

async function orUnavailable(work: () => Promise<Buffer>): Promise<Buffer> {
  try {
    return await work();
  } catch (error) {
    throw new Fault('key-unavailable', 'The authority could not sign', { cause: error });
  }
}
