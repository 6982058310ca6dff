import assert from 'node:assert/strict';
import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { test } from 'node:test';
import { integer, nullValue, objectIdentifier, sequence, tlv } from '../../src/encoding/der-writer.ts';
import {
  readCertificationRequest,
  verifyCertificationRequest,
} from '../../src/x509/certification-request.ts';
import { signatureAlgorithmFor } from '../../src/x509/signature-algorithm.ts';
import { assembleSigned, assembleSignedChunks, verifySigned } from '../../src/x509/signed.ts';
import { buildCsr, csrKey, ECDSA_SHA256 } from './build-csr.ts';
import { rejectsX509 } from './throws.ts';

const field = 'csr.signatureAlgorithm';
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const rsaSpki = rsa.publicKey.export({ type: 'spki', format: 'der' });

const sha = {
  1: '1.3.14.3.2.26',
  256: '2.16.840.1.101.3.4.2.1',
  384: '2.16.840.1.101.3.4.2.2',
  512: '2.16.840.1.101.3.4.2.3',
} as const;
type Sha = keyof typeof sha;

function pss(hash: Sha, mask: Sha, salt: number | undefined): Buffer {
  const digest = (size: Sha): Buffer => sequence(objectIdentifier(sha[size]), nullValue());
  const mgf1 = sequence(objectIdentifier('1.2.840.113549.1.1.8'), digest(mask));
  const parameters = sequence(
    tlv(0xa0, digest(hash)),
    tlv(0xa1, mgf1),
    ...(salt === undefined ? [] : [tlv(0xa2, integer(salt))]),
  );
  return sequence(objectIdentifier('1.2.840.113549.1.1.10'), parameters);
}

function pssCsr(algorithm: Buffer, digest: string, saltLength: number): Buffer {
  const key = { key: rsa.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
  return buildCsr({ spki: rsaSpki, signatureAlgorithm: algorithm, sign: (tbs) => sign(digest, tbs, key) });
}

test('verifies RSASSA-PSS with SHA-2, whatever the salt', async () => {
  const cases: [Sha, number | undefined][] = [
    [256, 32],
    [256, 0],
    [256, undefined],
    [384, 48],
    [512, 64],
  ];
  for (const [hash, salt] of cases) {
    const der = pssCsr(pss(hash, hash, salt), `sha${hash}`, salt ?? 20);
    await verifyCertificationRequest(readCertificationRequest(der));
  }
  const wrongSalt = readCertificationRequest(pssCsr(pss(256, 256, 31), 'sha256', 32));
  await rejectsX509(verifyCertificationRequest(wrongSalt), 'csr-signature-invalid', 'csr.signature');
});

test('refuses SHA-1, MD5, mixed hashes and malformed parameters', async () => {
  const algorithms = {
    sha1WithRSA: sequence(objectIdentifier('1.2.840.113549.1.1.5'), nullValue()),
    md5WithRSA: sequence(objectIdentifier('1.2.840.113549.1.1.4'), nullValue()),
    sha224WithRSA: sequence(objectIdentifier('1.2.840.113549.1.1.14'), nullValue()),
    ecdsaWithSha1: sequence(objectIdentifier('1.2.840.10045.4.1')),
    'PSS with SHA-1 masks': pss(256, 1, 32),
    'PSS with SHA-1': pss(1, 1, 20),
    'PSS with two hashes': pss(256, 512, 32),
    'PSS by default (SHA-1)': sequence(objectIdentifier('1.2.840.113549.1.1.10'), sequence()),
    'PSS without parameters': sequence(objectIdentifier('1.2.840.113549.1.1.10')),
    'PSS with a huge salt': pss(256, 256, 65),
    'ECDSA with other parameters': sequence(objectIdentifier('1.2.840.10045.4.3.2'), integer(1)),
    'RSA with other parameters': sequence(objectIdentifier('1.2.840.113549.1.1.11'), integer(1)),
    'RSA with NULL twice': sequence(objectIdentifier('1.2.840.113549.1.1.11'), nullValue(), nullValue()),
    'Ed25519 with parameters': sequence(objectIdentifier('1.3.101.112'), nullValue()),
    empty: sequence(),
  };
  for (const signatureAlgorithm of Object.values(algorithms)) {
    const csr = readCertificationRequest(
      buildCsr({ spki: rsaSpki, signatureAlgorithm, sign: () => Buffer.alloc(256) }),
    );
    await rejectsX509(verifyCertificationRequest(csr), 'csr-signature-unsupported', field);
  }
});

test('takes RSA and ECDSA with NULL and without parameters, each digest', async () => {
  const rows = [
    ['1.2.840.113549.1.1.11', 'sha256', rsa.privateKey, rsaSpki],
    ['1.2.840.113549.1.1.12', 'sha384', rsa.privateKey, rsaSpki],
    ['1.2.840.113549.1.1.13', 'sha512', rsa.privateKey, rsaSpki],
    ['1.2.840.10045.4.3.2', 'sha256', csrKey, undefined],
    ['1.2.840.10045.4.3.3', 'sha384', csrKey, undefined],
    ['1.2.840.10045.4.3.4', 'sha512', csrKey, undefined],
  ] as const;
  for (const [oid, digest, key, spki] of rows) {
    for (const parameters of [[], [nullValue()]]) {
      const signatureAlgorithm = sequence(objectIdentifier(oid), ...parameters);
      const der = buildCsr({
        signatureAlgorithm,
        sign: (tbs) => sign(digest, tbs, key),
        ...(spki && { spki }),
      });
      await verifyCertificationRequest(readCertificationRequest(der));
    }
  }
});

test('refuses a signature by another key, over other bytes, of another type, or of no shape', async () => {
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const cases = [
    buildCsr({ sign: (tbs) => sign('sha256', tbs, other) }),
    buildCsr({ sign: (tbs) => sign('sha384', tbs, csrKey) }),
    buildCsr({ sign: (tbs) => sign('sha256', tbs.subarray(1), csrKey) }),
    buildCsr({ sign: () => Buffer.alloc(0) }),
    buildCsr({ sign: () => Buffer.alloc(72, 0xff) }),
    buildCsr({ spki: rsaSpki }),
    buildCsr({
      spki: rsaSpki,
      signatureAlgorithm: sequence(objectIdentifier('1.2.840.113549.1.1.11'), nullValue()),
    }),
  ];
  for (const der of cases) {
    const csr = readCertificationRequest(der);
    await rejectsX509(verifyCertificationRequest(csr), 'csr-signature-invalid', 'csr.signature');
  }
});

test('chooses the hash by the strength of the key, and the name fits what verifies', async () => {
  const keys: [string, KeyObject, KeyObject][] = [
    ['ecdsa-with-SHA256', ...pair(generateKeyPairSync('ec', { namedCurve: 'P-256' }))],
    ['ecdsa-with-SHA384', ...pair(generateKeyPairSync('ec', { namedCurve: 'P-384' }))],
    ['ecdsa-with-SHA512', ...pair(generateKeyPairSync('ec', { namedCurve: 'P-521' }))],
    ['sha256WithRSAEncryption', ...pair(rsa)],
    ['Ed25519', ...pair(generateKeyPairSync('ed25519'))],
  ];
  for (const [name, publicKey, privateKey] of keys) {
    const algorithm = signatureAlgorithmFor(publicKey);
    assert.equal(algorithm.name, name);
    const tbs = Buffer.from('30020500', 'hex');
    const signature = sign(algorithm.digest, tbs, privateKey);
    const signed = { tbs, signatureAlgorithm: algorithm.der, signature };
    assert.equal(await verifySigned(signed, publicKey, 'x'), true);
    assert.equal(await verifySigned({ ...signed, tbs: Buffer.from('3000', 'hex') }, publicKey, 'x'), false);
  }
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
  assert.throws(() => signatureAlgorithmFor(publicKey), { code: 'key-type-unsupported' });
});

function pair(keys: { publicKey: KeyObject; privateKey: KeyObject }): [KeyObject, KeyObject] {
  return [keys.publicKey, keys.privateKey];
}

test('assembles the same bytes from one piece and from chunks', () => {
  const tbs = Buffer.concat([Buffer.from('30820100', 'hex'), Buffer.alloc(256, 7)]);
  const signature = Buffer.alloc(71, 9);
  const whole = assembleSigned(tbs, ECDSA_SHA256, signature);
  const chunks = [tbs.subarray(0, 3), tbs.subarray(3, 100), Buffer.alloc(0), tbs.subarray(100)];
  assert.ok(assembleSignedChunks(chunks, ECDSA_SHA256, signature).equals(whole));
  const expected = sequence(tbs, ECDSA_SHA256, tlv(0x03, Buffer.of(0), signature));
  assert.ok(whole.equals(expected));
});
