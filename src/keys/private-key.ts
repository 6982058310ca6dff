import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto';
import { promisify } from 'node:util';

/** The key types that a CA of ours can have. */
export const keyTypes = ['ec-p256', 'ec-p384', 'rsa-2048', 'rsa-3072', 'rsa-4096', 'ed25519'] as const;
export type KeyType = (typeof keyTypes)[number];

/** The key cannot be read. The message is one line, names the remedy and holds nothing of the key. */
export class PrivateKeyError extends Error {
  override readonly name = 'PrivateKeyError';
}

const generate = promisify(generateKeyPair);

/** Makes a new private key off the event loop (RSA 4096 takes seconds). */
export async function generatePrivateKey(type: KeyType): Promise<KeyObject> {
  switch (type) {
    case 'ec-p256':
      return (await generate('ec', { namedCurve: 'P-256' })).privateKey;
    case 'ec-p384':
      return (await generate('ec', { namedCurve: 'P-384' })).privateKey;
    case 'rsa-2048':
    case 'rsa-3072':
    case 'rsa-4096':
      return (await generate('rsa', { modulusLength: Number(type.slice(4)), publicExponent: 65537 }))
        .privateKey;
    case 'ed25519':
      return (await generate('ed25519')).privateKey;
  }
}

/**
 * Reads a PEM private key: PKCS #8, PKCS #1 or SEC 1, plain or encrypted, as OpenSSL writes them.
 * @param passphrase needed when the PEM is encrypted; ignored otherwise
 * @throws PrivateKeyError when it is no key, the passphrase is missing or wrong
 */
export function readPrivateKey(pem: string, passphrase?: string): KeyObject {
  const encrypted = pem.includes('ENCRYPTED');
  if (encrypted && passphrase === undefined) {
    throw new PrivateKeyError('the private key is encrypted and no passphrase file is configured');
  }
  try {
    return createPrivateKey({ key: pem, format: 'pem', ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (cause) {
    throw new PrivateKeyError(
      encrypted
        ? 'the private key cannot be decrypted with the configured passphrase'
        : 'the file holds no private key that can be read (PKCS #8, PKCS #1 or SEC 1 in PEM)',
      { cause },
    );
  }
}

/**
 * Writes a private key as PKCS #8 PEM; with a passphrase as EncryptedPrivateKeyInfo (PBES2, AES-256-CBC), which
 * `openssl pkey` reads.
 */
export function writePrivateKey(key: KeyObject, passphrase?: string): string {
  const protection = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase };
  return key.export({ type: 'pkcs8', format: 'pem', ...protection }).toString();
}

/** Whether two keys (private or public) hold the same public key. */
export function samePublicKey(a: KeyObject, b: KeyObject): boolean {
  const left = publicBytes(a);
  const right = publicBytes(b);
  return left.length === right.length && timingSafeEqual(left, right);
}

function publicBytes(key: KeyObject): Buffer {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return publicKey.export({ type: 'spki', format: 'der' });
}
