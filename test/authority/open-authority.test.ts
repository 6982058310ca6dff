import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { AuthorityError } from '../../src/authority/authority-error.ts';
import { chainPem } from '../../src/authority/chain-pem.ts';
import {
  type OpenAuthorityOptions,
  type OpenAuthorityParts,
  openAuthority,
} from '../../src/authority/open-authority.ts';
import { createSelfSignedCertificate } from '../../src/authority/self-signed.ts';
import { encodePem } from '../../src/encoding/pem.ts';
import { createFileKeyStore } from '../../src/keys/file-key-store.ts';
import { keyTypes } from '../../src/keys/private-key.ts';
import { createAuthorityStore } from '../../src/store/authorities.ts';
import { formatName, parseName } from '../../src/x509/name.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';

const clock = createTestClock();
const day = 86_400_000;
const options: OpenAuthorityOptions = {
  name: 'internal-ca',
  subject: 'CN=Internal CA,O=Example\\, Inc.',
  keyType: 'ec-p256',
  validitySeconds: 3650 * 86_400,
  backdateSeconds: 600,
};

async function setUp(t: TestContext): Promise<OpenAuthorityParts & { keyDirectory: string }> {
  const keyDirectory = await mkdtemp(join(tmpdir(), 'authority-'));
  t.after(() => rm(keyDirectory, { recursive: true, force: true }));
  const { db } = await createTestDatabase(t);
  return {
    database: db,
    authorities: createAuthorityStore(db),
    keys: createFileKeyStore(keyDirectory),
    clock,
    keyDirectory,
  };
}

async function selfSigned(
  privateKey: KeyObject,
  notAfter = new Date(clock.now() + 100 * day),
): Promise<string> {
  const der = await createSelfSignedCertificate({
    subject: parseName('CN=Old CA'),
    privateKey,
    serial: Buffer.from('0102030405060708090a0b0c0d0e0f10', 'hex'),
    notBefore: new Date(clock.now() - 200 * day),
    notAfter,
  });
  return encodePem('CERTIFICATE', der);
}

test('the first start creates a CA, the next one finds it', async (t) => {
  const parts = await setUp(t);
  const created = await openAuthority(parts, options);
  const certificate = new X509Certificate(chainPem(created));
  assert.equal(formatName(created.certificate.subject), options.subject);
  assert.equal(certificate.issuer, certificate.subject);
  assert.equal(certificate.ca, true);
  assert.equal(certificate.verify(certificate.publicKey), true);
  assert.equal(created.certificate.notBefore.getTime(), clock.now() - 600_000);
  assert.equal(created.certificate.notAfter.getTime(), clock.now() + 3650 * day);
  assert.deepEqual(created.certificate.keyUsage, ['keyCertSign', 'cRLSign']);
  assert.equal(created.certificate.serial.length, 32);

  const again = await openAuthority(parts, { ...options, subject: 'CN=Ignored', keyType: 'rsa-2048' });
  assert.ok(again.certificate.der.equals(created.certificate.der));
  const signature = await again.signer.sign(Buffer.from('x'));
  assert.ok(signature.length > 60);
});

test('each key type makes a CA whose own signature holds', async (t) => {
  const parts = await setUp(t);
  for (const keyType of keyTypes.filter((type) => type !== 'rsa-4096')) {
    const authority = await openAuthority(parts, { ...options, name: keyType, keyType });
    const certificate = new X509Certificate(authority.certificate.der);
    assert.equal(
      certificate.verify(createPublicKey(certificate.publicKey.export({ type: 'spki', format: 'pem' }))),
      true,
      keyType,
    );
  }
});

test('several processes that start at once create one CA', async (t) => {
  const parts = await setUp(t);
  const authorities = await Promise.all(Array.from({ length: 4 }, () => openAuthority(parts, options)));
  assert.equal(new Set(authorities.map(({ certificate }) => certificate.serial)).size, 1);
  assert.equal((await parts.authorities.list()).length, 1);
});

test('a key left by a start that was killed is taken up', async (t) => {
  const parts = await setUp(t);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await parts.keys.createIfAbsent(
    options.name,
    privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  );
  const authority = await openAuthority(parts, options);
  assert.ok(authority.signer.publicKey.equals(createPublicKey(privateKey)));
});

test('the kept key is encrypted when there is a passphrase, and needs it', async (t) => {
  const parts = await setUp(t);
  await openAuthority(parts, { ...options, keyPassphrase: 'long enough' });
  assert.match(
    await readFile(join(parts.keyDirectory, 'internal-ca.key'), 'utf8'),
    /BEGIN ENCRYPTED PRIVATE KEY/,
  );
  await assert.rejects(
    openAuthority(parts, options),
    /^AuthorityError: the key of internal-ca: the private key is encrypted/,
  );
  await assert.rejects(openAuthority(parts, { ...options, keyPassphrase: 'other' }), /cannot be decrypted/);
});

test('a CA whose key is gone stops the start and is never replaced', async (t) => {
  const parts = await setUp(t);
  await openAuthority(parts, options);
  await rm(join(parts.keyDirectory, 'internal-ca.key'));
  await assert.rejects(
    openAuthority(parts, options),
    /its private key is not in file .*; restore it from the backup$/,
  );
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await writeFile(
    join(parts.keyDirectory, 'internal-ca.key'),
    privateKey.export({ type: 'pkcs8', format: 'pem' }),
  );
  await assert.rejects(openAuthority(parts, options), /does not belong to the authority internal-ca/);
});

test('a CA is imported with its key, encrypted or not, and then stays', async (t) => {
  const parts = await setUp(t);
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const certificatePem = await selfSigned(privateKey);
  const keyPem = privateKey
    .export({ type: 'pkcs1', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'pw' })
    .toString();
  const imported = { certificatePem, keyPem, passphrase: 'pw' };
  const authority = await openAuthority(parts, { ...options, imported });
  assert.equal(chainPem(authority), certificatePem);
  assert.ok((await openAuthority(parts, options)).certificate.der.equals(authority.certificate.der));
  const other = await selfSigned(privateKey, new Date(clock.now() + 5 * day));
  await assert.rejects(
    openAuthority(parts, { ...options, imported: { ...imported, certificatePem: other } }),
    /is not the certificate of internal-ca in the database/,
  );
});

test('what cannot be a CA is refused before anything is kept', async (t) => {
  const parts = await setUp(t);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const refusals: [string, string, RegExp][] = [
    [await selfSigned(stranger), keyPem, /does not belong to the private key/],
    [await selfSigned(privateKey, new Date(clock.now() - day)), keyPem, /it has expired/],
    ['no pem', keyPem, /holds no CERTIFICATE in PEM/],
    [(await selfSigned(privateKey)).repeat(2), keyPem, /more than one certificate/],
    [await selfSigned(privateKey), 'no key', /holds no private key that can be read/],
    [encodePem('CERTIFICATE', Buffer.from('3003020100', 'hex')), keyPem, /CA_IMPORT_CERTIFICATE_FILE: /],
    ['-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n', keyPem, /CA_IMPORT_CERTIFICATE_FILE: /],
  ];
  for (const [certificatePem, key, why] of refusals) {
    await assert.rejects(
      openAuthority(parts, { ...options, imported: { certificatePem, keyPem: key } }),
      (error) => error instanceof AuthorityError && why.test(error.message) && !error.message.includes('\n'),
      String(why),
    );
  }
  assert.deepEqual(await parts.authorities.list(), []);
  assert.equal(await parts.keys.load(options.name), undefined);
});

test('a subject that is no name is refused by its setting, before anything is kept', async (t) => {
  const parts = await setUp(t);
  for (const subject of ['no name', 'CN=', `CN=${'a'.repeat(65)}`, 'C=Germany']) {
    await assert.rejects(
      openAuthority(parts, { ...options, subject }),
      (error) => error instanceof AuthorityError && /^CA_SUBJECT: [^\n]+$/.test(error.message),
      subject,
    );
  }
  assert.equal(await parts.keys.load(options.name), undefined);
});
