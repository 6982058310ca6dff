import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../../src/fault.ts';
import { extensionOid } from '../../src/x509/extensions.ts';
import { makeAuthority } from '../support/authority.ts';
import { createTestClock } from '../support/clock.ts';
import { ocspBench } from './harness.ts';

const day = 86_400;

test('the responder: by the CA itself, for OCSP alone, without revocation, recorded before it answers', async (t) => {
  const bench = await ocspBench(t);
  const { certificate } = await bench.ask([await bench.issue()]);
  assert.ok(certificate);
  assert.deepEqual(certificate.issuer.der, bench.authority.certificate.subject.der);
  assert.deepEqual(certificate.keyUsage, ['digitalSignature']);
  const extensionValue = (oid: string) =>
    certificate.extensions.find((one) => one.oid === oid)?.value.toString('hex');
  // id-kp-OCSPSigning and nothing else; id-pkix-ocsp-nocheck is NULL.
  assert.equal(extensionValue(extensionOid.extendedKeyUsage), '300a06082b06010505070309');
  assert.equal(extensionValue('1.3.6.1.5.5.7.48.1.5'), '0500');
  assert.equal(extensionValue(extensionOid.crlDistributionPoints), undefined);
  assert.equal(extensionValue(extensionOid.authorityInfoAccess), undefined);
  const record = await bench.certificates.findBySerial(certificate.serial);
  assert.deepEqual(record?.der, certificate.der);
  assert.equal(record?.profile, 'ocsp-responder');
  assert.equal(certificate.notAfter.getTime(), bench.clock.now() + 7 * day * 1000);
});

test('it is renewed at half of its time, by itself, and the one before is used until then', async (t) => {
  const bench = await ocspBench(t);
  const serialOf = async () => (await bench.ask(['01'], { nonce: Buffer.alloc(8) })).certificate?.serial;
  const first = await serialOf();
  bench.clock.advance(3.5 * day - 1);
  await bench.responders.maintain();
  assert.equal(await serialOf(), first);
  bench.clock.advance(1);
  await bench.responders.maintain();
  const second = await serialOf();
  assert.notEqual(second, first);
  assert.equal(bench.counts.renewed, 4);
});

test('one that is revoked, as all are by a bulk over everything, is replaced', async (t) => {
  const bench = await ocspBench(t);
  const revoked = bench.responders.of('internal-ca')?.serial ?? '';
  bench.index.revoked.set(`internal-ca/${revoked}`, {
    reason: 'cessationOfOperation',
    revokedAt: new Date(bench.clock.now()),
  });
  await bench.responders.maintain();
  const { certificate } = await bench.ask([await bench.issue()]);
  assert.ok(certificate);
  assert.notEqual(certificate.serial, revoked);
  assert.equal(certificate.serial, bench.responders.of('internal-ca')?.serial);
  await bench.responders.maintain();
  assert.equal(bench.counts.renewed, 3);
});

test('no answer outlives the certificate that it is signed with', async (t) => {
  const bench = await ocspBench(t, { responderValiditySeconds: day, validitySeconds: 3_600 });
  bench.issueWith = () => Promise.reject(new Fault('database-unavailable', 'away'));
  const serial = await bench.issue();
  bench.clock.advance(day - 600);
  await bench.responders.maintain();
  const { responses, certificate } = await bench.ask([serial]);
  assert.deepEqual(responses[0]?.nextUpdate, certificate?.notAfter);
  assert.equal(bench.failures.length, 2);
  // And without one there is none, until there is.
  bench.clock.advance(600);
  assert.equal((await bench.ask([serial])).code, 3);
  bench.issueWith = undefined;
  await bench.responders.maintain();
  assert.equal((await bench.ask([serial])).responses[0]?.status, 'good');
});

test('near the end of the CA the last one is kept, since no other would last longer', async (t) => {
  const clock = createTestClock();
  const authority = await makeAuthority(clock.now(), { notAfter: new Date(clock.now() + 2 * day * 1000) });
  const bench = await ocspBench(t, { clock, authority });
  const renewed = bench.counts.renewed;
  for (let hours = 0; hours < 47; hours += 1) {
    clock.advance(3_600);
    await bench.responders.maintain();
  }
  assert.equal(bench.counts.renewed, renewed);
  assert.equal((await bench.ask(['01'])).responses[0]?.status, 'unknown');
});

for (const keyType of ['ec-p384', 'rsa-2048', 'ed25519'] as const) {
  test(`the responder of a CA with an ${keyType} key has a P-256 one`, async (t) => {
    const clock = createTestClock();
    const authority = await makeAuthority(clock.now(), { keyType });
    const bench = await ocspBench(t, { clock, authority });
    assert.equal(bench.responders.of('internal-ca')?.signer.algorithm.name, 'ecdsa-with-SHA256');
  });
}
