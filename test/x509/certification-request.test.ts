import 'reflect-metadata';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nullValue, objectIdentifier, sequence, setOf, tlv } from '../../src/encoding/der-writer.ts';
import { encodePem } from '../../src/encoding/pem.ts';
import {
  csrDerFromBytes,
  MAX_CSR_BYTES,
  readCertificationRequest,
  requestedSubjectAltNames,
  verifyCertificationRequest,
} from '../../src/x509/certification-request.ts';
import { subjectAltNameExtension } from '../../src/x509/extensions.ts';
import { encodeGeneralNames, formatGeneralName, generalName } from '../../src/x509/general-name.ts';
import { formatName } from '../../src/x509/name.ts';
import { makeCsr } from '../support/csr.ts';
import { skipUnless } from '../support/skip.ts';
import { attribute, buildCsr, csrSpki, EXTENSION_REQUEST, extension, extensionRequest } from './build-csr.ts';
import { openssl } from './openssl.ts';
import { throwsX509 } from './throws.ts';

const SAN = '2.5.29.17';
const sanValue = encodeGeneralNames([generalName('dns', 'a.example'), generalName('ip', '10.0.0.1')]);

function utf8(text: string): Buffer {
  return tlv(0x0c, Buffer.from(text));
}

test('reads and verifies what @peculiar/x509 makes, for every key type', async () => {
  for (const keyType of ['ec-p256', 'ec-p384', 'ec-p521', 'rsa-2048', 'ed25519'] as const) {
    const made = await makeCsr({
      keyType,
      subject: 'CN=device-1, O=Acme',
      sans: [{ type: 'dns', value: 'a.example' }],
      challengePassword: 'secret',
    });
    const csr = readCertificationRequest(csrDerFromBytes(Buffer.from(made.pem)));
    assert.ok(csr.der.equals(made.der));
    assert.deepEqual(csr.otherAttributes, ['challengePassword']);
    assert.deepEqual(requestedSubjectAltNames(csr)?.names.map(formatGeneralName), ['dns:a.example']);
    assert.equal(csr.subject.rdns.length, 2);
    await verifyCertificationRequest(csr);
  }
});

test('reads and verifies what openssl makes', async (t) => {
  if (skipUnless(t, 'openssl')) return;
  const san = 'subjectAltName=email:a@b.example,URI:urn:x:y';
  const subject = '/C=DE/O=Acme/OU=Ops+CN=a';
  const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', 'key.pem'];
  const pem = openssl(['req', '-new', ...key, '-subj', subject, '-multivalue-rdn', '-addext', san]);
  const csr = readCertificationRequest(csrDerFromBytes(Buffer.from(pem)));
  assert.equal(csr.subject.rdns.flat().length, 4);
  assert.match(formatName(csr.subject), /^(CN=a|OU=Ops)/);
  assert.deepEqual(requestedSubjectAltNames(csr)?.names.map(formatGeneralName), [
    'email:a@b.example',
    'uri:urn:x:y',
  ]);
  await verifyCertificationRequest(csr);
});

test('takes DER, both PEM labels and text around the block', () => {
  const der = buildCsr({});
  const pem = encodePem('CERTIFICATE REQUEST', der);
  const forms = [
    der,
    pem,
    encodePem('NEW CERTIFICATE REQUEST', der),
    `Certificate Request:\n${pem}`,
    pem.replaceAll('\n', '\r\n'),
  ];
  for (const form of forms) assert.ok(csrDerFromBytes(Buffer.from(form)).equals(der));
});

test('refuses bodies that are no CSR, or too large, before reading them', () => {
  const der = buildCsr({});
  const pem = encodePem('CERTIFICATE REQUEST', der);
  for (const body of [
    '',
    'x',
    pem + pem,
    encodePem('CERTIFICATE', der),
    pem.replace('\nM', '\n*'),
    // Four octets always need padding; a CSR does only when its signature has such a length.
    encodePem('CERTIFICATE REQUEST', Buffer.alloc(4, 0x30)).replace('=', ''),
    pem.slice(0, -10),
  ]) {
    throwsX509(() => csrDerFromBytes(Buffer.from(body)), 'csr-malformed', 'csr');
  }
  throwsX509(() => csrDerFromBytes(Buffer.alloc(MAX_CSR_BYTES + 1, 0x30)), 'csr-too-large', 'csr');
  const large = Buffer.alloc(MAX_CSR_BYTES, 0xff);
  large[0] = 0x30;
  assert.equal(csrDerFromBytes(large).length, MAX_CSR_BYTES);
});

test('keeps extensions in their order with their bytes', () => {
  const csr = readCertificationRequest(
    buildCsr({
      attributes: [
        extensionRequest(subjectAltNameExtension(sanValue, true), extension('1.2.3.4', Buffer.of(5, 0))),
        attribute('1.2.840.113549.1.9.2', utf8('name')),
        attribute('1.2.3', nullValue()),
      ],
    }),
  );
  assert.deepEqual(csr.extensions, [
    { oid: SAN, critical: true, value: sanValue },
    { oid: '1.2.3.4', critical: false, value: Buffer.of(5, 0) },
  ]);
  assert.deepEqual(csr.otherAttributes, ['unstructuredName', '1.2.3']);
});

test('takes a CSR without attributes, with the field or without it', () => {
  for (const attributes of [[], undefined]) {
    const csr = readCertificationRequest(buildCsr({ attributes }));
    assert.deepEqual([csr.extensions, csr.otherAttributes], [[], []]);
    assert.equal(requestedSubjectAltNames(csr), undefined);
  }
});

test('an empty subject is read as such', () => {
  assert.deepEqual(readCertificationRequest(buildCsr({ subject: sequence() })).subject.rdns, []);
});

test('refuses what RFC 2986 and RFC 5280 forbid, naming the field', () => {
  const san = extension(SAN, sanValue);
  const request = extensionRequest(san);
  const falseCritical = Buffer.from('010100', 'hex');
  const cases: [field: string, csr: Buffer][] = [
    ['csr.version', buildCsr({ version: 1 })],
    ['csr.attributes', buildCsr({ trailing: nullValue() })],
    ['csr.attributes', buildCsr({ attributes: [nullValue()] })],
    ['csr.attributes', buildCsr({ attributes: [sequence(objectIdentifier('1.2.3'), sequence())] })],
    ['csr.extensions', buildCsr({ attributes: [request, request] })],
    [
      'csr.extensions',
      buildCsr({ attributes: [attribute(EXTENSION_REQUEST, sequence(san), sequence(san, san))] }),
    ],
    ['csr.extensions', buildCsr({ attributes: [attribute(EXTENSION_REQUEST)] })],
    ['csr.extensions.subjectAltName', buildCsr({ attributes: [extensionRequest(san, san)] })],
    [
      'csr.extensions.1.2.3.4',
      buildCsr({ attributes: [extensionRequest(extension('1.2.3.4', san), extension('1.2.3.4', sanValue))] }),
    ],
    ['csr.subject', buildCsr({ subject: nullValue() })],
    ['csr.subject.CN', buildCsr({ subject: nameWith('2.5.4.3', 'x'.repeat(65)) })],
    ['csr.subject.C', buildCsr({ subject: nameWith('2.5.4.6', 'DEU') })],
    ['csr.subject.O', buildCsr({ subject: nameWith('2.5.4.10', 'a\0b') })],
    ['csr.publicKey', buildCsr({ spki: nullValue() })],
    ['csr', Buffer.concat([buildCsr({}), Buffer.of(0)])],
    ['csr', Buffer.alloc(0)],
  ];
  for (const [field, der] of cases) throwsX509(() => readCertificationRequest(der), 'csr-malformed', field);
  const explicitFalse = buildCsr({ attributes: [extensionRequest(extension(SAN, sanValue, falseCritical))] });
  // X.690 11.5: a DEFAULT is not encoded; nothing is gained by refusing it in what is not copied.
  assert.equal(readCertificationRequest(explicitFalse).extensions[0]?.critical, false);
});

function nameWith(type: string, value: string): Buffer {
  return sequence(setOf(sequence(objectIdentifier(type), utf8(value))));
}

test('a malformed name in the SAN is named by its place', () => {
  const names = sequence(generalName('dns', 'a').der, tlv(0x82, Buffer.from('evil.example\0.good.example')));
  const csr = readCertificationRequest(buildCsr({ attributes: [extensionRequest(extension(SAN, names))] }));
  throwsX509(() => requestedSubjectAltNames(csr), 'san-malformed', 'csr.extensions.subjectAltName[1]');
});

test('a malformed key is named as the key', () => {
  const spki = Buffer.from(csrSpki);
  spki[spki.length - 1] = (spki.at(-1) ?? 0) ^ 1;
  throwsX509(() => readCertificationRequest(buildCsr({ spki })), 'key-malformed', 'csr.publicKey');
  const dsa = sequence(sequence(objectIdentifier('1.2.840.10040.4.1')), tlv(0x03, Buffer.alloc(9)));
  throwsX509(
    () => readCertificationRequest(buildCsr({ spki: dsa })),
    'key-type-unsupported',
    'csr.publicKey',
  );
});
