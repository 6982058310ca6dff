import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodePem } from '../../src/encoding/pem.ts';
import {
  assembleCrl,
  type CertificateRevocationList,
  type CrlHeader,
  encodeRevokedEntry,
  encodeTbsCertList,
  readCrl,
} from '../../src/x509/crl.ts';
import { skipUnless } from '../support/skip.ts';
import { day, makeCa } from './authority.ts';
import { openssl } from './openssl.ts';
import { throwsX509 } from './throws.ts';

const ca = makeCa('CN=internal-ca');
const now = Math.floor(Date.now() / 1000) * 1000;
const released = encodeRevokedEntry({
  serial: Buffer.of(5),
  revocationDate: new Date(now),
  reason: 'removeFromCRL',
});

function crlOf(changes: Partial<CrlHeader>): Buffer {
  const tbs = encodeTbsCertList({
    signatureAlgorithm: ca.algorithm.der,
    issuer: ca.name.der,
    thisUpdate: new Date(now - 60_000),
    nextUpdate: new Date(now + day),
    authorityKeyId: ca.keyId,
    crlNumber: 9n,
    entries: [],
    ...changes,
  });
  return assembleCrl(tbs, ca.algorithm.der, ca.sign(Buffer.concat(tbs)));
}

const text = (der: Buffer): string =>
  openssl(['crl', '-in', 'crl', '-noout', '-text', '-CAfile', 'ca'], {
    ca: ca.pem,
    crl: encodePem('X509 CRL', der),
  });

test('a delta names its base, critically, and may take entries back', (t) => {
  const der = crlOf({ deltaBase: 7n, entries: [released] });
  const crl = readCrl(der, { partial: true });
  assert.deepEqual([crl.crlNumber, crl.deltaBase], [9n, 7n]);
  assert.deepEqual(
    [...crl.entries()].map(({ reason }) => reason),
    ['removeFromCRL'],
  );
  // 2.5.29.27, critical, INTEGER 7.
  assert.ok(der.includes(Buffer.from('300d0603551d1b0101ff0403020107', 'hex')));
  if (skipUnless(t, 'openssl')) return;
  assert.match(text(der), /Delta CRL Indicator: critical\n\s+7\n/);
  assert.match(text(der), /Remove From CRL/);
});

test('a part names its URI as the certificates do, critically', (t) => {
  const uri = 'http://ca.example/crl/internal-ca/shards/4/2.crl';
  const der = crlOf({ distributionPoint: uri });
  assert.deepEqual(readCrl(der, { partial: true }).scope, { distributionPoint: [uri] });
  if (skipUnless(t, 'openssl')) return;
  assert.match(
    text(der),
    new RegExp(`Issuing Distribution Point: critical\\n\\s+Full Name:\\n\\s+URI:${uri}`),
  );
});

test('a complete CRL may name its delta, which hinders nobody', (t) => {
  const uri = 'http://ca.example/crl/internal-ca/delta.crl';
  const der = crlOf({ freshestCrl: uri });
  assert.deepEqual(readCrl(der).freshestCrl, [uri]);
  if (skipUnless(t, 'openssl')) return;
  assert.match(text(der), new RegExp(`Freshest CRL: \\n\\s+Full Name:\\n\\s+URI:${uri}`));
});

test('neither is taken for the whole list by who does not ask for it, critical or not', () => {
  const uri = 'http://ca.example/1.crl';
  for (const [field, changes] of [
    ['deltaCrlIndicator', { deltaBase: 7n }],
    ['issuingDistributionPoint', { distributionPoint: uri }],
  ] as const) {
    const der = crlOf(changes);
    throwsX509(() => readCrl(der), 'crl-malformed', `crl.extensions.${field}`, /not understood/);
    // The same with FALSE in place of TRUE: bad encoding, but what it says is the same.
    const mild = Buffer.from(der.toString('hex').replace(/(0603551d1[bc])0101ff/, '$1010100'), 'hex');
    assert.ok(!mild.equals(der));
    throwsX509(() => readCrl(mild), 'crl-malformed', `crl.extensions.${field}`, /not understood/);
  }
});

test('removeFromCRL stands in deltas only', () => {
  const read = (changes: Partial<CrlHeader>): CertificateRevocationList['entries'] =>
    readCrl(crlOf({ entries: [released], ...changes }), { partial: true }).entries;
  assert.equal([...read({ deltaBase: 1n })()].length, 1);
  throwsX509(() => [...read({})()], 'crl-malformed', 'crl.revokedCertificates', /reason code 8/);
});

test('scopes that are not supported are refused', () => {
  const uri = 'http://ca.example/1.crl';
  const whole = crlOf({ distributionPoint: uri }).toString('hex');
  const name = Buffer.from(uri).toString('hex');
  // The last three octets of the URI give way to a scope of the same length.
  const swap = (scope: string): Buffer =>
    Buffer.from(
      whole.replace(`301da01ba0198617${name}`, `301da018a0168614${name.slice(0, -6)}${scope}`),
      'hex',
    );
  assert.deepEqual(readCrl(swap('8101ff'), { partial: true }).scope, {
    distributionPoint: [uri.slice(0, -3)],
    only: 'userCertificates',
  });
  for (const [scope, reason] of [
    ['8401ff', /scope is not supported/],
    ['8501ff', /scope is not supported/],
    ['810100', /not TRUE/],
  ] as const)
    throwsX509(
      () => readCrl(swap(scope), { partial: true }),
      'crl-malformed',
      'crl.extensions.issuingDistributionPoint',
      reason,
    );
});
