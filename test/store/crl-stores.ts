import { type CertificateStore, createCertificateStore } from '../../src/store/certificates.ts';
import {
  type BuiltCrl,
  type CrlBuildSession,
  type CrlBuildTerms,
  type CrlStore,
  createCrlStore,
  type StoredCrl,
} from '../../src/store/crls.ts';
import type { Database } from '../../src/store/database.ts';
import { createRevocationStore, type RevocationStore } from '../../src/store/revocations.ts';
import { endOf, serialAt } from '../../src/x509/crl-walk.ts';
import { createTestDatabase, type TestScope } from '../support/database.ts';
import { beginTerm } from '../support/leadership.ts';
import { certificateRecord, daysFrom, revocationRequest, start } from './records.ts';

/** Numbers count from 1, and the clock never stands in the way. */
export const anyTime = { now: new Date('2999-01-01T00:00:00Z'), atLeast: 1n };

/** The store, as the leader of the present term uses it. */
export interface TermCrls extends Pick<CrlStore, 'latest' | 'latestDer'> {
  readonly epoch: bigint;
  build(
    authority: string,
    time: Omit<CrlBuildTerms, 'epoch'>,
    work: (session: CrlBuildSession) => Promise<BuiltCrl | undefined>,
  ): Promise<StoredCrl | undefined>;
}

export interface Stores {
  readonly db: Database;
  readonly certificates: CertificateStore;
  readonly revocations: RevocationStore;
  readonly crls: TermCrls;
}

export async function openStores(t: TestScope): Promise<Stores> {
  const { db } = await createTestDatabase(t);
  return {
    db,
    certificates: createCertificateStore(db),
    revocations: createRevocationStore(db),
    crls: inTerm(createCrlStore(db), (await beginTerm(db)).epoch),
  };
}

export function inTerm(crls: CrlStore, epoch: bigint): TermCrls {
  return {
    ...crls,
    epoch,
    build: (authority, time, work) => crls.build(authority, { ...time, epoch }, work),
  };
}

/** @returns its serial */
export async function revokeOne(stores: Stores, notAfter = daysFrom(start, 90), authority = 'internal-ca') {
  const record = certificateRecord({ notAfter, authority });
  await stores.certificates.insert(record);
  await stores.revocations.revoke(revocationRequest(record.serial, { authority }));
  return record.serial;
}

export async function read(session: CrlBuildSession): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of session.entries()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The "CRL" is its entries: what was in it can be read off. */
export const buildAt =
  (thisUpdate: Date) =>
  async (session: CrlBuildSession): Promise<BuiltCrl> => ({
    thisUpdate,
    nextUpdate: daysFrom(thisUpdate, 7),
    der: [await read(session), Buffer.from([0xff])],
  });

export async function serialsOf(crls: Pick<CrlStore, 'latestDer'>): Promise<string[]> {
  const latest = await crls.latestDer('internal-ca');
  const entries = latest?.der.subarray(0, -1) ?? Buffer.alloc(0);
  const serials: string[] = [];
  for (let at = 0; at < entries.length; at = endOf(entries, at))
    serials.push(serialAt(entries, at).toString('hex'));
  return serials;
}
