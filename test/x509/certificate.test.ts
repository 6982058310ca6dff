import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { encodePem } from '../../src/encoding/pem.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import { fillTemplate, prepareTemplate, type TemplateInput } from '../../src/x509/certificate-template.ts';
import { encodeExtension, extendedKeyUsageExtension, extensionOid } from '../../src/x509/extensions.ts';
import { encodeGeneralNames, generalName } from '../../src/x509/general-name.ts';
import { formatName, parseName } from '../../src/x509/name.ts';
import { subjectKeyIdentifier } from '../../src/x509/public-key.ts';
import { serialFromRandom } from '../../src/x509/serial.ts';
import { verifySigned } from '../../src/x509/signed.ts';
import { skipUnless } from '../support/skip.ts';
import { day, makeCa, type TestCa } from './authority.ts';
import { encodeTbsCertificate } from './ca-certificate.ts';
import { openssl } from './openssl.ts';
import { throwsX509 } from './throws.ts';

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const serial = Buffer.from('0123456789abcdef0123456789abcdef', 'hex');
const notBefore = new Date(Date.now() - 60_000);
const notAfter = new Date(notBefore.getTime() + 90 * day);
const sans = { der: encodeGeneralNames([generalName('dns', 'a.example')]), critical: false };

function templateInput(ca: TestCa): TemplateInput {
  return {
    issuerName: ca.name.der,
    issuerKeyId: ca.keyId,
    signatureAlgorithm: ca.algorithm.der,
    keyUsage: ['digitalSignature', 'keyAgreement'],
    extendedKeyUsage: [CLIENT_AUTH],
    crlDistributionPoints: ['http://ca.internal/crl/internal-ca.crl'],
    infoAccess: { caIssuers: 'http://ca.internal/ca/internal-ca.crt' },
  };
}

const ca = makeCa('CN=internal-ca,O=Acme');
const leafKey = makeCa('CN=unused').publicKey;
const fields = {
  serial,
  notBefore,
  notAfter,
  subject: parseName('CN=device-1,O=Acme').der,
  spki: leafKey.der,
  subjectKeyId: subjectKeyIdentifier(leafKey),
};
const template = prepareTemplate(templateInput(ca));

test('openssl verifies CAs and leaves of every key type strictly', (t) => {
  if (skipUnless(t, 'openssl')) return;
  const keys = [
    generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
    generateKeyPairSync('ed25519'),
  ];
  for (const pair of keys) {
    const root = makeCa('CN=root', pair);
    const sub = makeCa('CN=sub', pair, { by: root, pathLength: 0, serial: Buffer.of(0x80) });
    const tbs = fillTemplate(prepareTemplate(templateInput(sub)), { ...fields, subjectAltName: sans });
    const leaf = encodePem('CERTIFICATE', sub.signed(tbs));
    const args = [
      'verify',
      '-x509_strict',
      '-purpose',
      'sslclient',
      '-CAfile',
      'root',
      '-untrusted',
      'sub',
      'leaf',
    ];
    assert.equal(openssl(args, { root: root.pem, sub: sub.pem, leaf }), 'leaf: OK\n');
  }
});

test('openssl accepts an empty subject with a critical SAN', (t) => {
  if (skipUnless(t, 'openssl')) return;
  const critical = { ...sans, critical: true };
  const tbs = fillTemplate(template, {
    ...fields,
    subject: Buffer.from('3000', 'hex'),
    subjectAltName: critical,
  });
  const leaf = encodePem('CERTIFICATE', ca.signed(tbs));
  assert.equal(
    openssl(['verify', '-x509_strict', '-CAfile', 'ca', 'leaf'], { ca: ca.pem, leaf }),
    'leaf: OK\n',
  );
});

test('the template writes the bytes that the plain encoder writes', () => {
  const extra = encodeExtension('1.2.3.4', false, Buffer.of(5, 0));
  for (const years of [1, 40]) {
    const late = new Date(notBefore.getTime() + years * 365 * day);
    const filled = fillTemplate(template, {
      ...fields,
      notAfter: late,
      subjectAltName: { ...sans, critical: true },
      extraExtensions: [extra],
    });
    const read = readCertificate(ca.signed(filled));
    const plain = encodeTbsCertificate({
      ...fields,
      notAfter: late,
      signatureAlgorithm: ca.algorithm.der,
      issuer: ca.name.der,
      extensions: read.extensions.map(({ oid, critical, value }) => encodeExtension(oid, critical, value)),
    });
    assert.equal(filled.toString('hex'), plain.toString('hex'));
  }
});

test('reads what it wrote, and node agrees', async () => {
  const der = ca.signed(fillTemplate(template, { ...fields, subjectAltName: sans }));
  const read = readCertificate(der);
  const node = new X509Certificate(der);
  assert.equal(read.serial, node.serialNumber.toLowerCase());
  assert.equal(read.serial, serial.toString('hex'));
  assert.equal(formatName(read.subject), 'CN=device-1,O=Acme');
  assert.ok(read.issuer.der.equals(ca.name.der));
  assert.equal(read.notAfter.getTime(), Date.parse(node.validTo));
  assert.deepEqual(read.basicConstraints, { ca: false });
  assert.deepEqual(read.keyUsage, ['digitalSignature', 'keyAgreement']);
  assert.deepEqual(read.authorityKeyId, ca.keyId);
  assert.deepEqual(read.subjectKeyId, fields.subjectKeyId);
  assert.deepEqual(node.keyUsage, [CLIENT_AUTH]);
  assert.equal(node.subjectAltName, 'DNS:a.example');
  assert.match(node.infoAccess ?? '', /CA Issuers - URI:http:\/\/ca\.internal\/ca\/internal-ca\.crt/);
  assert.equal(await verifySigned(read, ca.publicKey, 'certificate'), true);
  assert.equal(await verifySigned(read, leafKey, 'certificate'), false);
});

test('the extensions have exactly these bytes', () => {
  const bare = prepareTemplate({
    ...templateInput(ca),
    basicConstraintsCritical: false,
    extendedKeyUsage: [],
  });
  const read = readCertificate(ca.signed(fillTemplate(bare, fields)));
  const shown = read.extensions.map(({ oid, critical, value }) => [oid, critical, value.toString('hex')]);
  const keyId = ca.keyId.toString('hex');
  const ascii = (text: string): string => Buffer.from(text).toString('hex');
  assert.deepEqual(shown, [
    ['2.5.29.19', false, '3000'],
    ['2.5.29.15', true, '03020388'],
    ['2.5.29.35', false, `30168014${keyId}`],
    ['2.5.29.31', false, `302e302ca02aa0288626${ascii('http://ca.internal/crl/internal-ca.crl')}`],
    [
      '1.3.6.1.5.5.7.1.1',
      false,
      `3033303106082b060105050730028625${ascii('http://ca.internal/ca/internal-ca.crt')}`,
    ],
    ['2.5.29.14', false, `0414${fields.subjectKeyId.toString('hex')}`],
  ]);
});

test('a CA certificate has its constraints, usages and key identifiers', () => {
  const sub = makeCa('CN=sub', undefined, { by: ca, pathLength: 0 });
  const read = readCertificate(sub.der);
  assert.deepEqual(read.basicConstraints, { ca: true, pathLength: 0 });
  assert.deepEqual(read.keyUsage, ['keyCertSign', 'cRLSign']);
  assert.deepEqual(read.authorityKeyId, ca.keyId);
  assert.deepEqual(read.subjectKeyId, sub.keyId);
  assert.deepEqual(
    read.extensions.filter(({ critical }) => critical).map(({ oid }) => oid),
    [extensionOid.basicConstraints, extensionOid.keyUsage],
  );
  assert.deepEqual(readCertificate(ca.der).basicConstraints, { ca: true });
  assert.throws(() => makeCa('CN=x', undefined, { subject: Buffer.from('3000', 'hex') }), RangeError);
});

test('refuses fields that would make a certificate RFC 5280 forbids', () => {
  const empty = Buffer.from('3000', 'hex');
  const bad = [
    { serial: serial.subarray(1) },
    { serial: Buffer.alloc(16) },
    { serial: Buffer.alloc(16, 0xff) },
    { notAfter: new Date(notBefore.getTime() - 1) },
    { notAfter: new Date(Number.NaN) },
    { subject: empty },
    { subject: empty, subjectAltName: sans },
    { extraExtensions: [extendedKeyUsageExtension([CLIENT_AUTH])] },
    { extraExtensions: [encodeExtension('2.5.29.17', false, sans.der)] },
    { extraExtensions: [encodeExtension('1.2.3', false, empty), encodeExtension('1.2.3', true, empty)] },
  ];
  for (const field of bad) assert.throws(() => fillTemplate(template, { ...fields, ...field }), RangeError);
});

test('refuses templates with malformed URIs, OIDs or no usage', () => {
  const input = templateInput(ca);
  throwsX509(
    () => prepareTemplate({ ...input, crlDistributionPoints: ['no scheme'] }),
    'san-malformed',
    'uri',
  );
  assert.throws(() => prepareTemplate({ ...input, extendedKeyUsage: ['clientAuth'] }), RangeError);
  assert.throws(() => prepareTemplate({ ...input, keyUsage: [] }), RangeError);
});

test('a serial keeps 127 random bits, is positive and has 16 octets', () => {
  assert.equal(serialFromRandom(Buffer.alloc(16, 0xff)).toString('hex'), `7f${'ff'.repeat(15)}`);
  assert.equal(serialFromRandom(Buffer.alloc(16, 0x80)).toString('hex'), `01${'80'.repeat(15)}`);
  assert.equal(serialFromRandom(serial).toString('hex'), serial.toString('hex'));
  assert.throws(() => serialFromRandom(Buffer.alloc(15)), RangeError);
  const read = readCertificate(ca.signed(fillTemplate(template, { ...fields, serial: Buffer.alloc(16, 1) })));
  assert.equal(read.tbs.indexOf(Buffer.from(`0210${'01'.repeat(16)}`, 'hex')) > 0, true);
});

test('refuses a certificate whose two signature algorithms differ', () => {
  const bytes = Buffer.from(ca.der);
  bytes[bytes.indexOf(ca.algorithm.der) + ca.algorithm.der.length - 1] = 3;
  throwsX509(() => readCertificate(bytes), 'certificate-malformed', 'certificate', /differ/);
});
