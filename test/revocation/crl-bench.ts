import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import type { Authority } from '../../src/authority/authority.ts';
import type { KeyType } from '../../src/keys/private-key.ts';
import { type BuildCrlParts, buildCrl, type CrlTimes } from '../../src/revocation/build-crl.ts';
import { createAuthorityStore } from '../../src/store/authorities.ts';
import { createCertificateStore } from '../../src/store/certificates.ts';
import { type CrlBuildSession, type CrlStore, createCrlStore, type StoredCrl } from '../../src/store/crls.ts';
import type { Database } from '../../src/store/database.ts';
import { createRevocationStore, type RevocationStore } from '../../src/store/revocations.ts';
import { encodeRevokedEntry, type RevocationReason, readCrl } from '../../src/x509/crl.ts';
import { verifySigned } from '../../src/x509/signed.ts';
import { certificateRecord } from '../store/records.ts';
import { makeAuthority } from '../support/authority.ts';
import { createTestClock, type TestClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { beginTerm } from '../support/leadership.ts';

export const day = 86_400;
const times: CrlTimes = {
  validitySeconds: 7 * day,
  overlapSeconds: 3.5 * day,
  backdateSeconds: 600,
  clockToleranceSeconds: 300,
};

type Crl = ReturnType<typeof readCrl>;

export interface CrlBench {
  readonly db: Database;
  readonly clock: TestClock;
  readonly authority: Authority;
  readonly crls: CrlStore;
  readonly revocations: RevocationStore;
  /** What a build sees, for those who have it see something else. */
  readonly see: { change: (session: CrlBuildSession) => CrlBuildSession };
  build(changes?: Partial<BuildCrlParts>): Promise<StoredCrl | undefined>;
  latest(): Promise<Crl>;
  issue(validSeconds: number): Promise<string>;
  /** Issues a certificate and revokes it. @returns its serial */
  revoke(validSeconds: number, reason?: RevocationReason): Promise<string>;
  revokeAgain(serial: string, reason: RevocationReason): Promise<void>;
  release(serial: string): Promise<void>;
  /** Keeps the CRLs as they are now, for `restore`. */
  backUp(): Promise<void>;
  restore(): Promise<void>;
}

/** An authority whose CRLs are built by hand; the database has the time of the test. */
export async function openCrlBench(t: TestContext, keyType?: KeyType): Promise<CrlBench> {
  const clock = createTestClock();
  const authority = await makeAuthority(clock.now(), keyType && { keyType });
  const { db } = await createTestDatabase(t);
  const now = (): Date => new Date(clock.now());
  await createAuthorityStore(db).insertIfAbsent({
    name: authority.name,
    certificate: authority.certificate.der,
    chain: [],
    keyReference: 'memory',
    state: 'active',
    createdAt: now(),
  });
  const store = createCrlStore(db);
  const certificates = createCertificateStore(db);
  const revocations = createRevocationStore(db);
  const term = await beginTerm(db);
  const see: CrlBench['see'] = { change: (session) => session };
  const crls: CrlStore = {
    ...store,
    build: (name, terms, work) =>
      store.build(name, terms, (session) => work(see.change({ ...session, databaseNow: async () => now() }))),
  };
  const entryOf = (serial: string, reason: RevocationReason | 'removeFromCRL'): Buffer =>
    encodeRevokedEntry({ serial: Buffer.from(serial, 'hex'), revocationDate: now(), reason });
  const issue = async (validSeconds: number): Promise<string> => {
    const serial = Buffer.concat([Buffer.of(1), randomBytes(15)]).toString('hex');
    const notAfter = new Date(clock.now() + validSeconds * 1000);
    await certificates.insert(certificateRecord({ serial, authority: authority.name, notAfter }));
    return serial;
  };
  const revokeAgain = async (serial: string, reason: RevocationReason): Promise<void> => {
    await revocations.revoke({
      ...{ serial, authority: authority.name, reason, revokedAt: now(), requester: 'token:t' },
      ...{ entry: entryOf(serial, reason), blockSpki: false },
    });
  };
  return {
    ...{ db, clock, authority, crls, revocations, see, issue },
    build: (changes = {}) => buildCrl({ crls, clock, times, delta: false, ...changes }, authority, term),
    async latest() {
      const stored = await crls.latestDer(authority.name);
      assert.ok(stored);
      return await readSigned(authority, stored.der);
    },
    revokeAgain,
    async revoke(validSeconds, reason = 'unspecified') {
      const serial = await issue(validSeconds);
      await revokeAgain(serial, reason);
      return serial;
    },
    async release(serial) {
      const released = await revocations.releaseHold({
        ...{ serial, authority: authority.name, releasedAt: now(), requester: 'token:t' },
        entry: entryOf(serial, 'removeFromCRL'),
      });
      assert.equal(released, true);
    },
    async backUp() {
      for (const table of ['crls', 'crl_history'])
        await db.query({ text: `create table ${table}_kept as table ${table}` });
    },
    async restore() {
      for (const table of ['crls', 'crl_history']) {
        await db.query({ text: `delete from ${table}` });
        await db.query({ text: `insert into ${table} select * from ${table}_kept` });
      }
    },
  };
}

/** Reads a CRL, and checks that it is this authority's. */
export async function readSigned(authority: Authority, der: Buffer): Promise<Crl> {
  const crl = readCrl(der, { partial: true });
  assert.equal(await verifySigned(crl, authority.signer.publicKey, 'crl'), true);
  assert.ok(crl.issuer.der.equals(authority.certificate.subject.der));
  assert.deepEqual(crl.authorityKeyId, authority.certificate.subjectKeyId);
  return crl;
}

export const serials = (crl: Crl): string[] => [...crl.entries()].map(({ serial }) => serial);
