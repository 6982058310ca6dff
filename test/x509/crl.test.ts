import 'reflect-metadata';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { X509Crl } from '@peculiar/x509';
import { encodePem } from '../../src/encoding/pem.ts';
import { fillTemplate, prepareTemplate } from '../../src/x509/certificate-template.ts';
import { assembleCrl, encodeRevokedEntry, encodeTbsCertList, readCrl } from '../../src/x509/crl.ts';
import { parseName } from '../../src/x509/name.ts';
import { subjectKeyIdentifier } from '../../src/x509/public-key.ts';
import { isRevocationReason, revocationReasons } from '../../src/x509/revocation-reason.ts';
import { verifySigned } from '../../src/x509/signed.ts';
import { skipUnless } from '../support/skip.ts';
import { day, makeCa, type TestCa } from './authority.ts';
import { openssl } from './openssl.ts';
import { throwsX509 } from './throws.ts';

const ca = makeCa('CN=internal-ca,O=Acme');
const now = Math.floor(Date.now() / 1000) * 1000;
const revocationDate = new Date(now - 3_600_000);
const serial = Buffer.from('0123456789abcdef0123456789abcdef', 'hex');

function crlOf(entries: readonly Buffer[], by: TestCa = ca, crlNumber = 7n): Buffer {
  const tbs = encodeTbsCertList({
    signatureAlgorithm: by.algorithm.der,
    issuer: by.name.der,
    thisUpdate: new Date(now - 60_000),
    nextUpdate: new Date(now + day),
    authorityKeyId: by.keyId,
    crlNumber,
    entries,
  });
  return assembleCrl(tbs, by.algorithm.der, by.sign(Buffer.concat(tbs)));
}

test('an entry has exactly these bytes', () => {
  const date = new Date('2026-11-23T15:40:00Z');
  const head = '02100123456789abcdef0123456789abcdef' + '170d3236313132333135343030305a';
  const hex = (reason?: 'unspecified' | 'keyCompromise' | 'aACompromise'): string =>
    encodeRevokedEntry({ serial, revocationDate: date, ...(reason && { reason }) }).toString('hex');
  assert.equal(hex(), `3021${head}`);
  assert.equal(hex('unspecified'), `3021${head}`);
  assert.equal(hex('keyCompromise'), `302f${head}300c300a0603551d1504030a0101`);
  assert.equal(hex('aACompromise'), `302f${head}300c300a0603551d1504030a010a`);
});

test('an entry keeps a serial minimal and never negative, zero too, and refuses none and more than 21 octets', () => {
  const start = (bytes: Buffer): string =>
    encodeRevokedEntry({ serial: bytes, revocationDate }).toString('hex', 2, 6);
  assert.equal(start(Buffer.of(0x80)), '02020080');
  assert.equal(start(Buffer.of(0, 0x7f)).slice(0, 6), '02017f');
  assert.equal(start(Buffer.alloc(4)).slice(0, 6), '020100');
  for (const bad of [Buffer.alloc(0), Buffer.alloc(22, 1)]) {
    assert.throws(() => encodeRevokedEntry({ serial: bad, revocationDate }), RangeError);
  }
});

test('every reason that is offered is read back; removeFromCRL is none', () => {
  const entries = revocationReasons.map((reason, index) =>
    encodeRevokedEntry({ serial: Buffer.of(index + 1), revocationDate, reason }),
  );
  const read = [...readCrl(crlOf([Buffer.concat(entries)])).entries()];
  assert.deepEqual(
    read.map(({ reason }) => reason ?? 'unspecified'),
    revocationReasons,
  );
  assert.deepEqual(read[0], { serial: '01', revocationDate });
  assert.equal(isRevocationReason('certificateHold'), true);
  assert.equal(isRevocationReason('removeFromCRL'), false);
  assert.equal(isRevocationReason('toString'), false);
});

test('a CRL without entries has no revokedCertificates', async () => {
  const der = crlOf([Buffer.alloc(0)]);
  const crl = readCrl(der);
  assert.deepEqual([...crl.entries()], []);
  assert.equal(crl.crlNumber, 7n);
  assert.deepEqual(crl.authorityKeyId, ca.keyId);
  assert.equal(crl.thisUpdate.getTime(), now - 60_000);
  assert.equal(crl.nextUpdate.getTime(), now + day);
  assert.ok(crl.issuer.der.equals(ca.name.der));
  assert.equal(await verifySigned(crl, ca.publicKey, 'crl'), true);
  assert.ok(readCrl(crlOf([])).tbs.equals(crl.tbs));
});

test('@peculiar/x509 reads the same entries', () => {
  const der = crlOf([
    encodeRevokedEntry({ serial, revocationDate, reason: 'keyCompromise' }),
    encodeRevokedEntry({ serial: Buffer.of(9), revocationDate }),
  ]);
  const theirs = new X509Crl(der).entries;
  assert.deepEqual(
    theirs.map((entry) => [entry.serialNumber, entry.revocationDate.getTime(), entry.reason]),
    [
      [serial.toString('hex'), revocationDate.getTime(), 1],
      ['09', revocationDate.getTime(), undefined],
    ],
  );
});

test('openssl verifies the CRL and refuses the revoked certificate only', (t) => {
  if (skipUnless(t, 'openssl')) return;
  const template = prepareTemplate({
    issuerName: ca.name.der,
    issuerKeyId: ca.keyId,
    signatureAlgorithm: ca.algorithm.der,
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: ['1.3.6.1.5.5.7.3.2'],
  });
  const leaf = (bytes: Buffer): string => {
    const tbs = fillTemplate(template, {
      serial: bytes,
      notBefore: new Date(now - day),
      notAfter: new Date(now + day),
      subject: parseName('CN=device').der,
      spki: ca.publicKey.der,
      subjectKeyId: subjectKeyIdentifier(ca.publicKey),
    });
    return encodePem('CERTIFICATE', ca.signed(tbs));
  };
  const crl = encodePem(
    'X509 CRL',
    crlOf([encodeRevokedEntry({ serial, revocationDate, reason: 'superseded' })]),
  );
  const files = { ca: ca.pem, crl, revoked: leaf(serial), good: leaf(Buffer.alloc(16, 2)) };
  const text = openssl(['crl', '-in', 'crl', '-noout', '-text', '-CAfile', 'ca'], files);
  assert.match(text, /CRL Number: \n\s+7\n/);
  assert.match(text, /Superseded/);
  const verify = ['verify', '-x509_strict', '-crl_check_all', '-CAfile', 'ca', '-CRLfile', 'crl'];
  assert.equal(openssl([...verify, 'good'], files), 'good: OK\n');
  assert.throws(() => openssl([...verify, 'revoked'], files), /certificate revoked/);
  assert.throws(
    () =>
      openssl(['verify', '-crl_check', '-CAfile', 'ca', '-CRLfile', 'crl', 'good'], {
        ...files,
        crl: emptyBy(makeCa('CN=other')),
      }),
    /unable to get certificate CRL/,
  );
});

function emptyBy(other: TestCa): string {
  return encodePem('X509 CRL', crlOf([], other));
}

test('numbers have up to 20 octets and nextUpdate lies behind thisUpdate', () => {
  assert.equal(readCrl(crlOf([], ca, 2n ** 159n - 1n)).crlNumber, 2n ** 159n - 1n);
  assert.throws(() => crlOf([], ca, 2n ** 159n), RangeError);
  assert.throws(() => crlOf([], ca, -1n), RangeError);
  const at = new Date(now);
  const header = {
    signatureAlgorithm: ca.algorithm.der,
    issuer: ca.name.der,
    authorityKeyId: ca.keyId,
    crlNumber: 1n,
  };
  assert.throws(
    () => encodeTbsCertList({ ...header, thisUpdate: at, nextUpdate: at, entries: [] }),
    RangeError,
  );
});

test('the chunks of the entries are not copied into the TBS, and a hundred thousand come back in order', () => {
  const chunks: Buffer[] = [];
  for (let chunk = 0; chunk < 100; chunk += 1) {
    const entries: Buffer[] = [];
    for (let n = 0; n < 1000; n += 1) {
      const bytes = Buffer.alloc(16, 1);
      bytes.writeUInt32BE(0x10000000 + chunk * 1000 + n);
      entries.push(encodeRevokedEntry({ serial: bytes, revocationDate }));
    }
    chunks.push(Buffer.concat(entries));
  }
  let expected = 0x10000000;
  for (const { serial: read } of readCrl(crlOf(chunks)).entries()) {
    if (Number.parseInt(read.slice(0, 8), 16) !== expected) assert.fail(`entry ${expected} is ${read}`);
    expected += 1;
  }
  assert.equal(expected, 0x10000000 + 100_000);
  const header = {
    signatureAlgorithm: ca.algorithm.der,
    issuer: ca.name.der,
    authorityKeyId: ca.keyId,
    crlNumber: 1n,
  };
  const period = { thisUpdate: new Date(now), nextUpdate: new Date(now + day) };
  assert.ok(
    encodeTbsCertList({ ...header, ...period, entries: chunks }).includes(chunks[50] ?? assert.fail()),
  );
});

test('refuses entries with an unknown reason or a critical extension that is not understood', () => {
  const entry = (extension: string): Buffer => {
    const time = '170d3236313132333135343030305a';
    const content = `020101${time}` + `30${hexLength(extension)}${extension}`;
    return Buffer.from(`30${hexLength(content)}${content}`, 'hex');
  };
  const read = (extension: string): unknown => [...readCrl(crlOf([entry(extension)])).entries()];
  assert.deepEqual(read('300a0603551d1504030a0101'), [
    { serial: '01', revocationDate: new Date('2026-11-23T15:40:00Z'), reason: 'keyCompromise' },
  ]);
  throwsX509(
    () => read('300a0603551d1504030a0108'),
    'crl-malformed',
    'crl.revokedCertificates',
    /reason code 8/,
  );
  throwsX509(() => read('300b06022a030101ff04020500'), 'crl-malformed', 'crl.extensions.1.2.3');
  throwsX509(
    () => read('300a0603551d1504030a0101'.repeat(2)),
    'crl-malformed',
    'crl.revokedCertificates.reasonCode',
  );
});

function hexLength(hex: string): string {
  return (hex.length / 2).toString(16).padStart(2, '0');
}
