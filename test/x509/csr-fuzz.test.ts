import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nullValue } from '../../src/encoding/der-writer.ts';
import { encodePem } from '../../src/encoding/pem.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import {
  csrDerFromBytes,
  readCertificationRequest,
  requestedSubjectAltNames,
  verifyCertificationRequest,
} from '../../src/x509/certification-request.ts';
import { readCrl } from '../../src/x509/crl.ts';
import { encodeGeneralNames, generalName } from '../../src/x509/general-name.ts';
import { checkPublicKey, type KeyPolicy } from '../../src/x509/key-policy.ts';
import { formatName, parseName } from '../../src/x509/name.ts';
import { X509Error } from '../../src/x509/x509-error.ts';
import { attribute, buildCsr, extension, extensionRequest } from './build-csr.ts';

const names = encodeGeneralNames([
  generalName('dns', 'a.example'),
  generalName('ip', '2001:db8::1'),
  generalName('uri', 'spiffe://a/b'),
  generalName('email', 'a@b.example'),
]);
const seed = buildCsr({
  subject: parseName('CN=device+serialNumber=7,O=Acm\u00e9,DC=example,C=DE').der,
  attributes: [
    extensionRequest(extension('2.5.29.17', names), extension('2.5.29.15', Buffer.from('03020780', 'hex'))),
    attribute('1.2.3', nullValue()),
  ],
});
const policy: KeyPolicy = { rsa: { minBits: 2048, maxBits: 8192 }, ec: ['P-256'], ed25519: true };

/** Everything that a request goes through before it is signed. */
async function readAll(body: Uint8Array): Promise<void> {
  const csr = readCertificationRequest(csrDerFromBytes(body));
  checkPublicKey(csr.publicKey, policy);
  formatName(csr.subject);
  requestedSubjectAltNames(csr);
  await verifyCertificationRequest(csr);
}

/** A read that fails must fail with an `X509Error`: anything else would be answered with 500. */
async function onlyX509Errors(body: Uint8Array): Promise<void> {
  try {
    await readAll(body);
  } catch (error) {
    assert.ok(error instanceof X509Error, String(error));
    assert.match(error.field, /^csr/);
  }
}

const edit = fc.record({
  at: fc.nat(seed.length - 1),
  octet: fc.nat(255),
  length: fc.nat(3),
  insert: fc.boolean(),
});

function mutate(edits: readonly { at: number; octet: number; length: number; insert: boolean }[]): Buffer {
  let bytes = Buffer.from(seed);
  for (const { at, octet, length, insert } of edits) {
    const piece = Buffer.alloc(length === 0 ? 1 : length, octet);
    const rest = insert ? at : at + piece.length;
    bytes = Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(rest)]);
  }
  return bytes;
}

test('the seed is sound', () => readAll(seed));

test('a CSR with any one octet changed is refused with an X509Error', async () => {
  for (let at = 0; at < seed.length; at += 1) {
    for (const mask of [0x01, 0x80, 0xff]) {
      const bytes = Buffer.from(seed);
      bytes[at] = (bytes[at] ?? 0) ^ mask;
      await assert.rejects(readAll(bytes), X509Error, `octet ${at} ^ ${mask}`);
    }
  }
});

test('a CSR cut off anywhere is refused with an X509Error', async () => {
  for (let length = 0; length < seed.length; length += 1) {
    await assert.rejects(readAll(seed.subarray(0, length)), X509Error, `${length} octets`);
  }
});

test('several edits, as DER and as PEM, only ever give an X509Error', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), fc.boolean(), async (edits, pem) => {
      const bytes = mutate(edits);
      await onlyX509Errors(pem ? Buffer.from(encodePem('CERTIFICATE REQUEST', bytes)) : bytes);
    }),
    { numRuns: 1000 },
  );
});

test('random bytes and text only ever give an X509Error', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.uint8Array({ maxLength: 400 }),
        fc.string().map((s) => Buffer.from(s)),
      ),
      onlyX509Errors,
    ),
    { numRuns: 500 },
  );
  for (const octet of [0x00, 0x30, 0x31, 0xa0, 0xff, 0x2d, 0x80])
    await onlyX509Errors(Buffer.alloc(32 * 1024, octet));
});

test('the certificate and CRL readers throw only X509Errors too', () => {
  for (const read of [readCertificate, readCrl]) {
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 3 }), (edits) => {
        assert.throws(() => read(mutate(edits)), X509Error);
      }),
    );
  }
});
