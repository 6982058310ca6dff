import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import test from 'node:test';
import {
  generatePrivateKey,
  keyTypes,
  PrivateKeyError,
  readPrivateKey,
  samePublicKey,
  writePrivateKey,
} from '../../src/keys/private-key.ts';

test('every key type is generated as named', async () => {
  const expected: Record<string, unknown> = {
    'ec-p256': 'prime256v1',
    'ec-p384': 'secp384r1',
    'rsa-2048': 2048,
    'rsa-3072': 3072,
    'rsa-4096': 4096,
    ed25519: undefined,
  };
  for (const type of keyTypes.filter((name) => name !== 'rsa-4096')) {
    const details = (await generatePrivateKey(type)).asymmetricKeyDetails;
    assert.equal(details?.namedCurve ?? details?.modulusLength, expected[type], type);
  }
});

test('a key that was written encrypted needs its passphrase, and comes back the same', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = writePrivateKey(privateKey, 'correct horse');
  assert.match(pem, /^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
  assert.throws(
    () => readPrivateKey(pem),
    new PrivateKeyError('the private key is encrypted and no passphrase file is configured'),
  );
  assert.throws(
    () => readPrivateKey(pem, 'wrong'),
    new PrivateKeyError('the private key cannot be decrypted with the configured passphrase'),
  );
  assert.ok(readPrivateKey(pem, 'correct horse').equals(privateKey));
});

test('PKCS #1, SEC 1 and PKCS #8 are read, with and without a passphrase', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
  const protection = { cipher: 'aes-256-cbc', passphrase: 'p' };
  const forms = [
    [rsa, rsa.export({ type: 'pkcs1', format: 'pem' })],
    [rsa, rsa.export({ type: 'pkcs1', format: 'pem', ...protection })],
    [rsa, rsa.export({ type: 'pkcs8', format: 'pem', ...protection })],
    [ec, ec.export({ type: 'sec1', format: 'pem' })],
    [ec, ec.export({ type: 'pkcs8', format: 'pem' })],
  ] as const;
  for (const [key, pem] of forms) assert.ok(readPrivateKey(pem.toString(), 'p').equals(key));
});

test('what is no key is refused without quoting it', () => {
  assert.throws(
    () => readPrivateKey('-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n'),
    (error) => error instanceof PrivateKeyError && !error.message.includes('c2VjcmV0'),
  );
});

test('keys belong together only when the public keys are the same', () => {
  const a = generateKeyPairSync('ed25519');
  const b = generateKeyPairSync('ed25519');
  assert.equal(samePublicKey(a.privateKey, a.publicKey), true);
  assert.equal(samePublicKey(a.privateKey, b.publicKey), false);
  assert.equal(
    samePublicKey(a.privateKey, generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey),
    false,
  );
  assert.ok(
    verify(null, Buffer.from('x'), createPublicKey(a.privateKey), sign(null, Buffer.from('x'), a.privateKey)),
  );
});
