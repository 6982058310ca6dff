import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCertificateStore } from '../../src/store/certificates.ts';
import { changedEntries } from '../../src/store/crl-changes.ts';
import type { Database } from '../../src/store/database.ts';
import { closeChange, insertRevocations, newChangeId } from '../../src/store/revocation-changes.ts';
import {
  createRevocationChangesReader,
  type RevocationPage,
} from '../../src/store/revocation-changes-reader.ts';
import { deleteSupersededChanges } from '../../src/store/revocation-changes-retention.ts';
import { createRevocationStore } from '../../src/store/revocations.ts';
import { createTestDatabase } from '../support/database.ts';
import { certificateRecord, daysFrom, revocationRequest, start } from './records.ts';

/** What is left of a change when its revocations have got another one. */

/** Certificates that are on hold, revoked in one transaction if `together`. @returns serials */
async function putOnHold(db: Database, count: number, together: boolean): Promise<string[]> {
  const certificates = createCertificateStore(db);
  const records = Array.from({ length: count }, () => certificateRecord());
  await Promise.all(records.map((record) => certificates.insert(record)));
  const serials = records.map(({ serial }) => serial).toSorted();
  const requests = serials.map((serial) => revocationRequest(serial, { reason: 'certificateHold' }));
  if (!together) for (const request of requests) await createRevocationStore(db).revoke(request);
  else
    await db.transaction(async (tx) => {
      const change = await newChangeId(tx);
      const row = { certificateId: null, notAfter: daysFrom(start, 90), inCrl: true };
      await insertRevocations(
        tx,
        requests.map((request) => ({ ...request, ...row })),
        change,
      );
      await closeChange(tx, change);
    });
  return serials;
}

/** What there is to each position: how many rows. */
async function rowsByPosition(db: Database): Promise<[number, number][]> {
  const rows = await db.query<{ position: number; rows: number }>({
    text: `select position::int, (select count(*)::int from revocations r where r.change_id = ch.change_id)
        + (select count(*)::int from hold_releases h where h.change_id = ch.change_id) as rows
      from revocation_changes ch order by position`,
  });
  return rows.map(({ position, rows: count }) => [position, count]);
}

/** Everything that is read of the changes behind a position: by a replica, by the next CRL, by a delta. */
async function readBehind(db: Database, position: bigint): Promise<unknown> {
  const pages: string[] = [];
  const take = ({ records }: RevocationPage) => pages.push(records.toString('hex'));
  const head = await createRevocationChangesReader(db).readChanges(position, take);
  const delta = await db.transaction(async (tx) => {
    const changed = changedEntries(tx, 'internal-ca', position);
    const entries: Buffer[] = [];
    for await (const chunk of changed.read()) entries.push(chunk);
    return { count: await changed.count(100), entries: Buffer.concat(entries).toString('latin1') };
  });
  await db.query({ text: 'delete from crls' });
  await db.query({
    text: `insert into crls (authority, number, this_update, next_update, entry_count, sha256, size_bytes, created_at, der,
        position) values ('internal-ca', 1, now(), now(), 1, sha256('x'), 1, now(), 'x', $1)`,
    values: [position],
  });
  const pending = await createRevocationStore(db).pending('internal-ca');
  return { head: head.position, pages, delta, pending };
}

async function readBehindAll(db: Database): Promise<unknown[]> {
  const read: unknown[] = [];
  for (let position = 0n; position <= 5n; position++) read.push(await readBehind(db, position));
  return read;
}

const finalEntry = Buffer.from('final');

async function makeFinal(db: Database, serial: string): Promise<void> {
  const update = { serial, authority: 'internal-ca', from: ['certificateHold'] as const };
  const done = await createRevocationStore(db).updateReason({
    ...update,
    ...{ reason: 'keyCompromise', revokedAt: daysFrom(start, 1), requester: 'token:u', entry: finalEntry },
  });
  assert.equal(done, true);
}

async function release(db: Database, serial: string): Promise<void> {
  const done = await createRevocationStore(db).releaseHold({
    ...{ serial, authority: 'internal-ca', releasedAt: daysFrom(start, 2), requester: 'token:u' },
    entry: Buffer.from('released'),
  });
  assert.equal(done, true);
}

test('a hold that was made final or released leaves a change without rows, which counts for nobody and goes', async (t) => {
  const { db } = await createTestDatabase(t);
  const [final = '', released = '', held = ''] = await putOnHold(db, 3, false);
  await makeFinal(db, final);
  await release(db, released);
  assert.deepEqual(await rowsByPosition(db), [
    [1, 0],
    [2, 0],
    [3, 1],
    [4, 1],
    [5, 1],
  ]);
  const before = await readBehindAll(db);
  const record = (code: string, serial: string) => new RegExp(`^${code}.{34}${serial}$`);
  const { pages, delta, pending } = Object(before[0]);
  // The release; then, in one page, the one that is still on hold and the one that is final: each once.
  assert.equal(pages.length, 2);
  assert.match(pages[0], record('08', released));
  assert.match(pages[1].slice(0, 68), record('06', held));
  assert.match(pages[1].slice(68), record('01', final));
  assert.equal(delta.count, 3);
  assert.equal(delta.entries.split('final').length, 2);
  assert.deepEqual(pending, { count: 3, compromised: true });

  assert.equal(await deleteSupersededChanges(db, 1), 1);
  assert.equal(await deleteSupersededChanges(db, 2), 1);
  assert.equal(await deleteSupersededChanges(db, 2), 0);
  assert.deepEqual(await rowsByPosition(db), [
    [3, 1],
    [4, 1],
    [5, 1],
  ]);
  // Whoever was at a position that is gone now, or before it, still gets all.
  assert.deepEqual(await readBehindAll(db), before);
});

test('a change of many stays until the last of them has another one', async (t) => {
  const { db } = await createTestDatabase(t);
  const [first = '', second = ''] = await putOnHold(db, 2, true);
  await makeFinal(db, first);
  assert.equal(await deleteSupersededChanges(db, 10), 0);
  await release(db, second);
  assert.equal(await deleteSupersededChanges(db, 10), 1);
  assert.deepEqual(await rowsByPosition(db), [
    [2, 1],
    [3, 1],
  ]);
});

test('a change that has not committed is not taken for an empty one', async (t) => {
  const { db } = await createTestDatabase(t);
  await db.transaction(async (tx) => {
    const change = await newChangeId(tx);
    const row = { certificateId: null, notAfter: daysFrom(start, 90), inCrl: true };
    await insertRevocations(tx, [{ ...revocationRequest('0a'), ...row }], change);
    assert.equal(await deleteSupersededChanges(db, 10), 0);
    await closeChange(tx, change);
    assert.equal(await deleteSupersededChanges(db, 10), 0);
  });
  assert.equal(await deleteSupersededChanges(db, 10), 0);
  assert.deepEqual(await rowsByPosition(db), [[1, 1]]);
});
