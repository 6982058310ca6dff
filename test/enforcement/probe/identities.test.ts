import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { createProbeIdentities } from '../../../src/enforcement/probe/identities.ts';
import { Fault } from '../../../src/fault.ts';
import { type CertificateRecord, createCertificateStore } from '../../../src/store/certificates.ts';
import { createRevocationStore } from '../../../src/store/revocations.ts';
import { makeAuthority } from '../../support/authority.ts';
import { createTestClock } from '../../support/clock.ts';
import { createTestDatabase } from '../../support/database.ts';
import { probeIdentityParts } from './identity-parts.ts';

function read(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

test('ours is a recorded certificate of one minute', async (t) => {
  const { db } = await createTestDatabase(t);
  const certificates = createCertificateStore(db);
  const clock = createTestClock();
  const authority = await makeAuthority(clock.now());
  const parts = await probeIdentityParts([authority], { clock, certificates });
  const { ours } = await createProbeIdentities(parts).of('internal-ca');
  const [leaf, ca, ...more] = read(ours.certificate);
  assert.ok(leaf !== undefined && ca !== undefined);
  assert.deepEqual(more, []);
  assert.equal(leaf.subject, 'CN=internal-ca-probe');
  assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.2']);
  assert.equal(leaf.verify(ca.publicKey), true);
  assert.deepEqual(ca.raw, authority.certificate.der);
  assert.equal(Date.parse(leaf.validTo), clock.now() + 60_000);
  const stored = await certificates.findBySerial(leaf.serialNumber.toLowerCase());
  assert.deepEqual(stored?.der, leaf.raw);
  assert.equal(stored?.requester, 'internal-ca-probe');
  assert.equal(stored?.profile, 'internal-ca-probe');
});

test('it is recorded before anybody has it', async () => {
  const authority = await makeAuthority(Date.now());
  const parts = await probeIdentityParts([authority], {
    certificates: {
      insert: async () => {
        throw new Fault('database-unavailable', 'The database is away');
      },
      findByIdempotencyKey: async () => undefined,
    },
  });
  const identities = createProbeIdentities(parts);
  await assert.rejects(identities.of('internal-ca'), { code: 'database-unavailable' });
});

test('the unknown one says the same of itself, by a CA of the same name with another key', async () => {
  const authority = await makeAuthority(Date.now());
  const parts = await probeIdentityParts([authority]);
  const { ours, unknown } = await createProbeIdentities(parts).of('internal-ca');
  const [leaf, ...more] = read(unknown.certificate);
  // Alone: what a door with `optional_no_ca` lets in.
  assert.deepEqual(more, []);
  const [ourLeaf, ourCa] = read(ours.certificate);
  assert.ok(leaf !== undefined && ourLeaf !== undefined && ourCa !== undefined);
  assert.equal(leaf.subject, ourLeaf.subject);
  assert.equal(leaf.issuer, ourLeaf.issuer);
  assert.equal(leaf.verify(ourCa.publicKey), false);
  assert.notDeepEqual(leaf.publicKey.export({ format: 'jwk' }), ourLeaf.publicKey.export({ format: 'jwk' }));
});

test('the same two serve many hosts at once', async () => {
  const rows: CertificateRecord[] = [];
  const authority = await makeAuthority(Date.now());
  const identities = createProbeIdentities(await probeIdentityParts([authority], { rows }));
  await Promise.all(Array.from({ length: 20 }, () => identities.of('internal-ca')));
  assert.equal(rows.length, 1);
  await assert.rejects(identities.of('other'), { code: 'authority-not-found' });
});

test('they serve for twenty seconds, so that most of their minute is left to whoever has them', async (t) => {
  let elapsed = 0;
  t.mock.method(performance, 'now', () => elapsed);
  const rows: CertificateRecord[] = [];
  const identities = createProbeIdentities(
    await probeIdentityParts([await makeAuthority(Date.now())], { rows }),
  );
  const first = await identities.of('internal-ca');
  elapsed = 19_999;
  assert.equal(await identities.of('internal-ca'), first);
  elapsed = 20_000;
  assert.notEqual((await identities.of('internal-ca')).ours.certificate, first.ours.certificate);
  assert.equal(rows.length, 2);
});

test('a failure is not kept', async () => {
  let away = true;
  const parts = await probeIdentityParts([await makeAuthority(Date.now())], {
    certificates: {
      async insert() {
        if (away) throw new Fault('database-unavailable', 'The database is away');
        return 'inserted';
      },
      findByIdempotencyKey: async () => undefined,
    },
  });
  const identities = createProbeIdentities(parts);
  await assert.rejects(identities.of('internal-ca'));
  away = false;
  await identities.of('internal-ca');
});

test('the revoked one is recorded as such, on no CRL, and made only when it is asked for', async (t) => {
  const { db } = await createTestDatabase(t);
  const certificates = createCertificateStore(db);
  const clock = createTestClock();
  const authority = await makeAuthority(clock.now());
  const revocations = createRevocationStore(db);
  const identities = createProbeIdentities(
    await probeIdentityParts([authority], { clock, certificates, revocations }),
  );
  await identities.of('internal-ca');
  const rows = () => db.query({ text: 'select in_crl, count(*)::int as count from revocations group by 1' });
  assert.deepEqual(await rows(), []);
  const revoked = await identities.revoked('internal-ca');
  assert.equal(await identities.revoked('internal-ca'), revoked);
  assert.deepEqual(await rows(), [{ in_crl: false, count: 1 }]);
  const [leaf] = read(revoked.certificate);
  assert.equal(leaf?.subject, 'CN=internal-ca-probe');
  const stored = await certificates.findBySerial(leaf?.serialNumber.toLowerCase() ?? '');
  assert.equal(stored?.revocation?.reason, 'cessationOfOperation');
  assert.equal(stored?.revocation?.requester, 'internal-ca-probe');
  assert.deepEqual(await revocations.pending('internal-ca'), { count: 0, compromised: false });
});
