import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test, { type TestContext } from 'node:test';
import { buildCrl, type CrlTimes } from '../../src/revocation/build-crl.ts';
import { createRevocationService, type RevocationService } from '../../src/revocation/revocation-service.ts';
import { createAuthorityStore } from '../../src/store/authorities.ts';
import { createBulkRevocationStore } from '../../src/store/bulk-revocation.ts';
import { type CertificateStore, createCertificateStore } from '../../src/store/certificates.ts';
import { type CrlStore, createCrlStore, type StoredCrl } from '../../src/store/crls.ts';
import { createRevocationStore } from '../../src/store/revocations.ts';
import { readCrl } from '../../src/x509/crl.ts';
import { verifySigned } from '../../src/x509/signed.ts';
import { makeAuthority } from '../support/authority.ts';
import { createTestClock, type TestClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { beginTerm } from '../support/leadership.ts';

const day = 86_400;
const times: CrlTimes = {
  validitySeconds: 7 * day,
  overlapSeconds: 3.5 * day,
  backdateSeconds: 600,
  clockToleranceSeconds: 300,
};

interface Bench {
  readonly clock: TestClock;
  readonly crls: CrlStore;
  readonly certificates: CertificateStore;
  readonly revocation: RevocationService;
  readonly notified: [string, boolean][];
  build(): Promise<StoredCrl | undefined>;
  latest(): Promise<ReturnType<typeof readCrl>>;
  issue(validSeconds: number): Promise<string>;
  /** The table of CRLs as it was when this one was the latest. */
  restore(crl: StoredCrl | undefined): Promise<void>;
}

async function setUp(t: TestContext): Promise<Bench> {
  const clock = createTestClock();
  const authority = await makeAuthority(clock.now());
  const { db } = await createTestDatabase(t);
  await createAuthorityStore(db).insertIfAbsent({
    name: authority.name,
    certificate: authority.certificate.der,
    chain: [],
    keyReference: 'memory',
    state: 'active',
    createdAt: new Date(clock.now()),
  });
  const crls = createCrlStore(db);
  const certificates = createCertificateStore(db);
  const notified: [string, boolean][] = [];
  const term = await beginTerm(db);
  return {
    clock,
    crls,
    certificates,
    notified,
    revocation: createRevocationService({
      certificates,
      revocations: createRevocationStore(db),
      bulk: createBulkRevocationStore(db),
      clock,
      onRevoked: (name, urgent) => notified.push([name, urgent]),
    }),
    build: () => buildCrl({ crls, clock, times }, authority, term),
    async latest() {
      const stored = await crls.latestDer(authority.name);
      assert.ok(stored);
      const crl = readCrl(stored.der);
      assert.equal(await verifySigned(crl, authority.signer.publicKey, 'crl'), true);
      assert.ok(crl.issuer.der.equals(authority.certificate.subject.der));
      assert.deepEqual(crl.authorityKeyId, authority.certificate.subjectKeyId);
      return crl;
    },
    async restore(crl) {
      await db.query({ text: 'delete from crls' });
      if (crl === undefined) return;
      await db.query({
        text: `insert into crls (authority, number, this_update, next_update, entry_count, sha256, size_bytes, created_at, der)
          values ($1, $2, $3, $4, 0, sha256(''::bytea), 0, now(), '')`,
        values: [crl.authority, crl.number, crl.thisUpdate, crl.nextUpdate],
      });
    },
    async issue(validSeconds) {
      const serial = Buffer.concat([Buffer.of(1), randomBytes(15)]).toString('hex');
      await certificates.insert({
        serial,
        authority: authority.name,
        profile: 'client',
        subject: 'CN=a',
        commonName: 'a',
        sans: [],
        notBefore: new Date(clock.now()),
        notAfter: new Date(clock.now() + validSeconds * 1000),
        requester: 'token:t',
        spkiSha256: randomBytes(32),
        fingerprint: randomBytes(32).toString('hex'),
        der: Buffer.from('3000', 'hex'),
        metadata: {},
        createdAt: new Date(clock.now()),
      });
      return serial;
    },
  };
}

const serials = (crl: ReturnType<typeof readCrl>): string[] => [...crl.entries()].map(({ serial }) => serial);

test('the first CRL is empty, signed and back-dated; it is not built again before it is due', async (t) => {
  const bench = await setUp(t);
  const first = await bench.build();
  assert.equal(first?.number, BigInt(bench.clock.now() / 1000));
  const crl = await bench.latest();
  assert.equal(crl.crlNumber, first?.number);
  assert.deepEqual(serials(crl), []);
  assert.equal(crl.thisUpdate.getTime(), bench.clock.now() - 600_000);
  assert.equal(crl.nextUpdate.getTime(), bench.clock.now() + 7 * day * 1000);
  assert.equal(await bench.build(), undefined);
  bench.clock.advance(3.5 * day - 1);
  assert.equal(await bench.build(), undefined);
  bench.clock.advance(1);
  assert.equal((await bench.build())?.number, BigInt(bench.clock.now() / 1000));
});

test('a revocation makes a CRL due; asking again is answered with what stands', async (t) => {
  const bench = await setUp(t);
  await bench.build();
  const serial = await bench.issue(30 * day);
  const revoked = await bench.revocation.revoke({ serial, reason: 'superseded', requester: 'token:t' });
  assert.equal(revoked.revoked, 1);
  assert.deepEqual(bench.notified, [['internal-ca', false]]);
  bench.clock.advance(60);
  assert.deepEqual(await bench.revocation.revoke({ serial, reason: undefined, requester: 'token:u' }), {
    ...revoked,
    revoked: 0,
  });
  await assert.rejects(bench.revocation.revoke({ serial, reason: 'keyCompromise', requester: 'token:u' }), {
    code: 'revocation-conflict',
    message: `The certificate ${serial} is already revoked, with the reason superseded; its key is refused from now on all the same`,
  });
  assert.notEqual(await bench.build(), undefined);
  assert.deepEqual(
    [...(await bench.latest()).entries()],
    [{ serial, revocationDate: revoked.revokedAt, reason: 'superseded' }],
  );
  assert.equal(await bench.build(), undefined);
});

test('an unknown serial is refused, and a compromised key is urgent', async (t) => {
  const bench = await setUp(t);
  await assert.rejects(bench.revocation.revoke({ serial: 'ff', reason: undefined, requester: 'token:t' }), {
    code: 'certificate-not-found',
  });
  const serial = await bench.issue(day);
  await bench.revocation.revoke({ serial, reason: 'keyCompromise', requester: 'token:t' });
  assert.deepEqual(bench.notified, [['internal-ca', true]]);
});

test('an entry stays until one CRL after the expiry of its certificate has held it', async (t) => {
  const bench = await setUp(t);
  await bench.build();
  const serial = await bench.issue(day);
  await bench.revocation.revoke({ serial, reason: undefined, requester: 'token:t' });
  await bench.build();
  assert.deepEqual(serials(await bench.latest()), [serial]);
  bench.clock.advance(3.5 * day);
  await bench.build();
  assert.deepEqual(serials(await bench.latest()), [serial], 'the first CRL after the expiry');
  bench.clock.advance(3.5 * day);
  await bench.build();
  assert.deepEqual(serials(await bench.latest()), []);
});

test('a clock that was set back does not make a CRL older than the one it replaces', async (t) => {
  const bench = await setUp(t);
  await bench.build();
  const before = await bench.latest();
  bench.clock.advance(-300);
  await bench.revocation.revoke({ serial: await bench.issue(day), reason: undefined, requester: 'token:t' });
  await bench.build();
  const after = await bench.latest();
  assert.equal(after.thisUpdate.getTime(), before.thisUpdate.getTime());
  assert.equal(after.crlNumber, before.crlNumber + 1n);
});

test('two builders at once make one CRL', async (t) => {
  const bench = await setUp(t);
  const built = await Promise.all([bench.build(), bench.build(), bench.build()]);
  assert.equal(built.filter((crl) => crl !== undefined).length, 1);
});

test('numbers come from time, so a database restored from a backup does not give one out again', async (t) => {
  const bench = await setUp(t);
  const backup = await bench.build();
  for (let count = 0; count < 5; count += 1) {
    bench.clock.advance(4 * day);
    await bench.build();
  }
  const published = await bench.latest();
  await bench.restore(backup);
  bench.clock.advance(60);
  await bench.revocation.revoke({ serial: await bench.issue(day), reason: undefined, requester: 'token:t' });
  await bench.build();
  assert.ok((await bench.latest()).crlNumber > published.crlNumber);
});

test('a clock that was a year ahead for a while leaves a CRL that holds now, with every entry', async (t) => {
  const bench = await setUp(t);
  await bench.build();
  const serial = await bench.issue(30 * day);
  await bench.revocation.revoke({ serial, reason: undefined, requester: 'token:t' });
  bench.clock.advance(365 * day);
  await bench.build();
  bench.clock.advance(-365 * day);
  assert.notEqual(await bench.build(), undefined);
  const crl = await bench.latest();
  assert.ok(crl.thisUpdate.getTime() <= bench.clock.now());
  assert.deepEqual(serials(crl), [serial]);
});
