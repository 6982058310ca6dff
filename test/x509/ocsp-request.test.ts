import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { integer, nullValue, octetString, sequence } from '../../src/encoding/der-writer.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import { encodeExtension } from '../../src/x509/extensions.ts';
import { generalName } from '../../src/x509/general-name.ts';
import { ocspIssuer } from '../../src/x509/ocsp-issuer.ts';
import { maxCertIds, readOcspRequest } from '../../src/x509/ocsp-request.ts';
import { X509Error } from '../../src/x509/x509-error.ts';
import { skipUnless } from '../support/skip.ts';
import { makeCa } from './authority.ts';
import { certIdOf, explicit, hashOids, nonceOid, ocspRequestOf } from './build-ocsp.ts';

const ca = makeCa('CN=Test CA');
const issuer = readCertificate(ca.der);
const serial = '3f0c5a7b9d1e2f40516273849aabbccd';
const certId = certIdOf(issuer, serial);
const isIssuer = ocspIssuer(issuer);

test('a request as RFC 5019 has it is 3 SEQUENCEs around a CertID, and read as that', () => {
  const request = readOcspRequest(ocspRequestOf([certId]));
  assert.equal(request.nonce, undefined);
  assert.equal(request.certIds.length, 1);
  assert.deepEqual(request.certIds[0]?.der, certId);
  assert.equal(request.certIds[0]?.serial, serial);
});

test('the issuer is known by each hash, whether its parameters are NULL or absent', () => {
  for (const hash of ['sha1', 'sha256', 'sha384', 'sha512'] as const) {
    for (const parameters of [nullValue(), Buffer.alloc(0)]) {
      const [read] = readOcspRequest(ocspRequestOf([certIdOf(issuer, serial, { hash, parameters })])).certIds;
      assert.ok(read && isIssuer(read), hash);
      assert.equal(read.hashAlgorithm, hashOids[hash]);
    }
  }
});

test('another CA is not taken for ours: of another name, of another key, by a hash that is not known', () => {
  const other = readCertificate(makeCa('CN=Test CA').der);
  const renamed = { subject: readCertificate(makeCa('CN=Other').der).subject, publicKey: issuer.publicKey };
  for (const stranger of [other, renamed]) {
    const [read] = readOcspRequest(ocspRequestOf([certIdOf(stranger, serial)])).certIds;
    assert.ok(read && !isIssuer(read));
  }
  const [read] = readOcspRequest(ocspRequestOf([certId])).certIds;
  assert.ok(read && !isIssuer({ ...read, hashAlgorithm: '1.2.840.113549.2.5' }));
});

test('a serial is read with its sign: what is negative is nobody’s, and no other number', () => {
  const serialOf = (value: Buffer) =>
    readOcspRequest(ocspRequestOf([certIdOf(issuer, '', { serial: value })])).certIds[0]?.serial;
  assert.equal(serialOf(integer(255)), 'ff');
  assert.equal(serialOf(integer(-1)), undefined);
  assert.equal(serialOf(integer(0)), '00');
});

test('what says nothing to us is read over: version 1 in words, who asks, a signature, extensions', () => {
  const unknown = encodeExtension('1.2.3.4', false, Buffer.from('anything'));
  const request = readOcspRequest(
    ocspRequestOf([certId], {
      version: 0,
      requestorName: generalName('dns', 'client.example').der,
      signature: sequence(nullValue()),
      extensions: [unknown],
      singleExtensions: [unknown],
    }),
  );
  assert.equal(request.certIds[0]?.serial, serial);
});

test('a nonce has 1 to 128 octets, and is kept as it stands', () => {
  for (const length of [1, 16, 32, 128]) {
    const nonce = Buffer.alloc(length, 7);
    assert.deepEqual(readOcspRequest(ocspRequestOf([certId], { nonce })).nonce, octetString(nonce));
  }
});

test('a raw nonce is kept as it stands; where nonces are not wanted, none of any form matters', () => {
  const raw = Buffer.from('raw!');
  const request = ocspRequestOf([certId], { extensions: [nonceExtension(raw)] });
  assert.deepEqual(readOcspRequest(request).nonce, raw);
  const forms = [[Buffer.alloc(0)], [Buffer.alloc(500, 4)], [raw, octetString(Buffer.alloc(0))]];
  for (const values of forms) {
    const der = ocspRequestOf([certId], { extensions: values.map(nonceExtension) });
    assert.equal(readOcspRequest(der, { nonce: false }).nonce, undefined);
  }
});

const nonceExtension = (value: Buffer): Buffer => encodeExtension(nonceOid, false, value);
const many = Array.from({ length: maxCertIds + 1 }, () => certId);
const whole = ocspRequestOf([certId]);
const refused: Readonly<Record<string, Buffer>> = {
  nothing: Buffer.alloc(0),
  'no DER': Buffer.from('not at all'),
  'bytes behind it': Buffer.concat([whole, Buffer.of(0)]),
  'a request for nothing': ocspRequestOf([]),
  'more certificates than allowed': ocspRequestOf(many),
  'another version': ocspRequestOf([certId], { version: 1 }),
  'a nonce of nothing': ocspRequestOf([certId], { nonce: Buffer.alloc(0) }),
  'a nonce that is too long': ocspRequestOf([certId], { nonce: Buffer.alloc(129) }),
  'a raw nonce of nothing': ocspRequestOf([certId], { extensions: [nonceExtension(Buffer.alloc(0))] }),
  'a raw nonce that is too long': ocspRequestOf([certId], {
    extensions: [nonceExtension(Buffer.alloc(129, 7))],
  }),
  'two nonces': ocspRequestOf([certId], {
    nonce: Buffer.alloc(32),
    extensions: [nonceExtension(octetString(Buffer.alloc(32)))],
  }),
  'a critical extension that is not known': ocspRequestOf([certId], {
    extensions: [encodeExtension('1.2.3.4', true, Buffer.alloc(1))],
  }),
  'the same about one certificate': ocspRequestOf([certId], {
    singleExtensions: [encodeExtension('1.2.3.4', true, Buffer.alloc(1))],
  }),
  'parameters of a hash': ocspRequestOf([certIdOf(issuer, serial, { parameters: integer(1) })]),
  'a serial that is not minimal': ocspRequestOf([
    certIdOf(issuer, '', { serial: Buffer.from('02020001', 'hex') }),
  ]),
  'an unknown member': sequence(sequence(sequence(sequence(certId)), explicit(3, nullValue()))),
};

for (const [what, der] of Object.entries(refused)) {
  test(`refused as malformed: ${what}`, () => {
    assert.throws(
      () => readOcspRequest(der),
      (error) => error instanceof X509Error && error.code === 'ocsp-malformed',
    );
  });
}

test('as many certificates as allowed are read', () => {
  assert.equal(readOcspRequest(ocspRequestOf(many.slice(1))).certIds.length, maxCertIds);
});

test('no octets make it fail in another way, or hang', () => {
  const seed = ocspRequestOf([certId, certId], { nonce: Buffer.alloc(32, 9) });
  const edit = fc.record({ at: fc.nat(seed.length - 1), octet: fc.nat(255), cut: fc.nat(3) });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 6 }), (edits) => {
      let body = Buffer.from(seed);
      for (const { at, octet, cut } of edits) {
        const from = Math.min(at, body.length);
        body = Buffer.concat([body.subarray(0, from), Buffer.of(octet), body.subarray(from + cut)]);
      }
      try {
        readOcspRequest(body);
      } catch (error) {
        assert.ok(error instanceof X509Error, String(error));
      }
    }),
    { numRuns: 2_000 },
  );
});

test('what openssl asks is read: several at once, a nonce, SHA-256', (t) => {
  if (skipUnless(t, 'openssl')) return;
  const directory = mkdtempSync(join(tmpdir(), 'internal-ca-ocsp-'));
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'ca.pem'), ca.pem);
  const options = [
    '-nonce',
    '-sha256',
    '-issuer',
    'ca.pem',
    '-serial',
    `0x${serial}`,
    '-sha1',
    '-serial',
    '0x17',
  ];
  execFileSync('openssl', ['ocsp', ...options, '-reqout', 'request.der'], { cwd: directory });
  const { certIds, nonce } = readOcspRequest(readFileSync(join(directory, 'request.der')));
  assert.deepEqual(
    certIds.map(({ serial: read, hashAlgorithm }) => [read, hashAlgorithm]),
    [
      [serial, hashOids.sha256],
      ['17', hashOids.sha1],
    ],
  );
  assert.ok(certIds.every(isIssuer));
  assert.ok(nonce);
});
