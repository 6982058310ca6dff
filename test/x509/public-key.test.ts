import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { bitString, integer, nullValue, objectIdentifier, sequence } from '../../src/encoding/der-writer.ts';
import { readSubjectPublicKeyInfo, spkiSha256, subjectKeyIdentifier } from '../../src/x509/public-key.ts';
import { throwsX509 } from './throws.ts';

const RSA = sequence(objectIdentifier('1.2.840.113549.1.1.1'), nullValue());
const P256 = sequence(objectIdentifier('1.2.840.10045.2.1'), objectIdentifier('1.2.840.10045.3.1.7'));
const field = 'subjectPublicKeyInfo';

function spki(algorithm: Buffer, key: Buffer): Buffer {
  return sequence(algorithm, bitString(key));
}

test('reads the keys that node makes', () => {
  const keys = [
    {
      pair: generateKeyPairSync('rsa', { modulusLength: 2048 }),
      algorithm: 'rsa',
      bits: 2048,
      curve: undefined,
    },
    { pair: generateKeyPairSync('ec', { namedCurve: 'P-256' }), algorithm: 'ec', bits: 256, curve: 'P-256' },
    { pair: generateKeyPairSync('ec', { namedCurve: 'P-384' }), algorithm: 'ec', bits: 384, curve: 'P-384' },
    { pair: generateKeyPairSync('ec', { namedCurve: 'P-521' }), algorithm: 'ec', bits: 521, curve: 'P-521' },
    { pair: generateKeyPairSync('ed25519'), algorithm: 'ed25519', bits: 256, curve: undefined },
  ];
  for (const { pair, algorithm, bits, curve } of keys) {
    const der = pair.publicKey.export({ type: 'spki', format: 'der' });
    const read = readSubjectPublicKeyInfo(der);
    assert.deepEqual([read.algorithm, read.bits, read.curve], [algorithm, bits, curve]);
    assert.ok(read.keyObject.equals(pair.publicKey));
    assert.equal(read.keyObject, read.keyObject);
    assert.ok(der.subarray(-read.subjectPublicKey.length).equals(read.subjectPublicKey));
    assert.deepEqual(spkiSha256(read), createHash('sha256').update(der).digest());
    assert.deepEqual(subjectKeyIdentifier(read), createHash('sha1').update(read.subjectPublicKey).digest());
  }
});

test('refuses EC points that are infinite, compressed, off the curve or out of the field', () => {
  const { x = '', y = '' } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({
    format: 'jwk',
  });
  const point = Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  readSubjectPublicKeyInfo(spki(P256, point));
  const off = Buffer.from(point);
  off[64] = (off[64] ?? 0) ^ 1;
  const bad: [RegExp, Buffer][] = [
    [/infinity/, Buffer.of(0)],
    [/uncompressed/, Buffer.concat([Buffer.of(2), point.subarray(1, 33)])],
    [/uncompressed/, Buffer.concat([Buffer.of(6), point.subarray(1)])],
    [/uncompressed/, point.subarray(0, 64)],
    [/uncompressed/, Buffer.concat([point, Buffer.of(0)])],
    [/uncompressed/, Buffer.alloc(0)],
    [/not on the curve/, off],
    [/not on the curve/, Buffer.concat([Buffer.of(4), Buffer.alloc(64)])],
    [/below the prime/, Buffer.concat([Buffer.of(4), Buffer.alloc(64, 0xff)])],
  ];
  for (const [message, key] of bad) {
    throwsX509(() => readSubjectPublicKeyInfo(spki(P256, key)), 'key-malformed', field, message);
  }
});

test('refuses algorithms and curves that are not supported', () => {
  const ecKey = objectIdentifier('1.2.840.10045.2.1');
  const unsupported = [
    sequence(objectIdentifier('1.2.840.10040.4.1'), sequence()), // DSA
    sequence(objectIdentifier('1.2.840.113549.1.1.10')), // RSASSA-PSS
    sequence(objectIdentifier('1.3.101.113')), // Ed448
    sequence(ecKey, objectIdentifier('1.3.132.0.10')), // secp256k1
    sequence(ecKey, nullValue()), // implicit curve
    sequence(ecKey, sequence(integer(1))), // explicit parameters
    sequence(ecKey),
  ];
  for (const algorithm of unsupported) {
    throwsX509(
      () => readSubjectPublicKeyInfo(spki(algorithm, Buffer.alloc(65, 4))),
      'key-type-unsupported',
      field,
    );
  }
});

test('RSA without NULL is the same key, and comes out with NULL: Go reads no other', () => {
  const rsaKey = sequence(integer(2n ** 2047n + 1n), integer(65537));
  const bare = readSubjectPublicKeyInfo(spki(sequence(objectIdentifier('1.2.840.113549.1.1.1')), rsaKey));
  const usual = readSubjectPublicKeyInfo(spki(RSA, rsaKey));
  assert.deepEqual(bare.der, usual.der);
  assert.deepEqual(bare.modulus, usual.modulus);
});

test('refuses malformed keys', () => {
  const rsaKey = sequence(integer(2n ** 2047n + 1n), integer(65537));
  const bad = {
    'RSA with other parameters': spki(sequence(objectIdentifier('1.2.840.113549.1.1.1'), integer(1)), rsaKey),
    'RSA with a negative modulus': spki(RSA, sequence(integer(-5), integer(65537))),
    'RSA with exponent zero': spki(RSA, sequence(integer(2n ** 2047n + 1n), integer(0))),
    'RSA with a third number': spki(RSA, sequence(integer(5), integer(3), integer(1))),
    'RSA with trailing bytes': spki(RSA, Buffer.concat([rsaKey, Buffer.of(0)])),
    'RSA with a modulus of 16,392 bits': spki(RSA, sequence(integer(2n ** 16391n + 1n), integer(65537))),
    'RSA with an exponent longer than the modulus': spki(RSA, sequence(integer(255), integer(65537))),
    'Ed25519 of 31 octets': spki(sequence(objectIdentifier('1.3.101.112')), Buffer.alloc(31, 9)),
    'Ed25519 with parameters': spki(
      sequence(objectIdentifier('1.3.101.112'), nullValue()),
      Buffer.alloc(32, 9),
    ),
    'P-256 with more parameters': spki(sequence(P256.subarray(2), nullValue()), Buffer.alloc(65, 4)),
    'trailing bytes': Buffer.concat([spki(RSA, rsaKey), Buffer.of(0)]),
    nothing: Buffer.alloc(0),
  };
  for (const [name, der] of Object.entries(bad)) {
    throwsX509(() => readSubjectPublicKeyInfo(der), 'key-malformed', field);
    assert.ok(name);
  }
});
