import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCertificateStore } from '../../src/store/certificates.ts';
import type { Database } from '../../src/store/database.ts';
import {
  closeChange,
  insertRevocations,
  type NewRevocation,
  newChangeId,
} from '../../src/store/revocation-changes.ts';
import { createRevocationStore } from '../../src/store/revocations.ts';
import { createTestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { certificateRecord, daysFrom, entryOf, revocationRequest, start } from './records.ts';

function newRevocation(serial: string, changes: Partial<NewRevocation> = {}): NewRevocation {
  const { authority, reason, requester, entry, revokedAt } = revocationRequest(serial);
  const notAfter = daysFrom(start, 90);
  return {
    ...{ serial, authority, reason, requester, entry, revokedAt, notAfter },
    ...{ certificateId: null, inCrl: true },
    ...changes,
  };
}

async function head(db: Database): Promise<bigint> {
  const [row] = await db.query<{ position: string }>({ text: 'select position from revocation_head' });
  return BigInt(row?.position ?? -1);
}

/** Each position with the serials of its change. */
async function changes(db: Database): Promise<Map<bigint, string[]>> {
  const rows = await db.query<{ position: string; serials: string[] }>({
    text: `select position, array_agg(encode(serial, 'hex') order by serial) as serials
      from revocation_changes join revocations using (change_id) group by position order by position`,
  });
  return new Map(rows.map((row) => [BigInt(row.position), row.serials]));
}

async function certificate(db: Database): Promise<string> {
  const record = certificateRecord();
  await createCertificateStore(db).insert(record);
  return record.serial;
}

test('many in one transaction are one change, and who was revoked before stays as he is', async (t) => {
  const { db } = await createTestDatabase(t);
  const first = await certificate(db);
  await createRevocationStore(db).revoke(revocationRequest(first, { requester: 'token:first' }));
  const inserted = await db.transaction(async (tx) => {
    const change = await newChangeId(tx);
    const rows = ['0b', '0a', first].map((serial) => newRevocation(serial));
    const serials = await insertRevocations(tx, rows, change);
    assert.deepEqual(await insertRevocations(tx, [], change), []);
    assert.deepEqual(await insertRevocations(tx, [newRevocation('0c')], change), ['0c']);
    assert.equal(await closeChange(tx, change), 2n);
    return serials;
  });
  assert.deepEqual(inserted, ['0a', '0b']);
  assert.deepEqual(
    await changes(db),
    new Map([
      [1n, [first]],
      [2n, ['0a', '0b', '0c']],
    ]),
  );
  const found = await createCertificateStore(db).findBySerial(first);
  assert.equal(found?.revocation?.requester, 'token:first');
});

test('every column is recorded, and what no CRL is to list has no entry', async (t) => {
  const { db } = await createTestDatabase(t);
  const record = certificateRecord({ serial: `7f${'00'.repeat(15)}` });
  await createCertificateStore(db).insert(record);
  const [id] = await db.query<{ id: string }>({ text: 'select id from certificates' });
  const certificateId = BigInt(id?.id ?? 0);
  await db.transaction(async (tx) => {
    const change = await newChangeId(tx);
    const rows = [newRevocation(record.serial, { certificateId }), newRevocation('01', { inCrl: false })];
    await insertRevocations(tx, rows, change);
    await closeChange(tx, change);
  });
  const common = { authority: 'internal-ca', not_after: daysFrom(start, 90), revoked_at: daysFrom(start, 1) };
  const said = { ...common, reason: 'superseded', requester: 'token:r' };
  const probe = { serial: '01', certificate_id: null, entry: Buffer.alloc(0), in_crl: false };
  const listed = { serial: record.serial, certificate_id: String(certificateId), in_crl: true };
  assert.deepEqual(
    await db.query({
      text: `select encode(serial, 'hex') as serial, certificate_id, authority, entry, not_after, revoked_at, reason,
        requester, in_crl from revocations order by serial`,
    }),
    [
      { ...said, ...probe },
      { ...said, ...listed, entry: entryOf(record.serial) },
    ],
  );
});

test('what is no serial is refused, and rolls everything back', async (t) => {
  const { db } = await createTestDatabase(t);
  const broken = db.transaction(async (tx) => {
    const change = await newChangeId(tx);
    await insertRevocations(tx, [newRevocation('01')], change);
    await insertRevocations(tx, [newRevocation('xyz')], change);
  });
  await assert.rejects(broken, RangeError);
  assert.deepEqual([await changes(db), await head(db)], [new Map(), 0n]);
});

test('positions are in the order of commits, whatever order the changes began in', async (t) => {
  const { db } = await createTestDatabase(t);
  const quick = await certificate(db);
  await db.transaction(async (tx) => {
    const slow = await newChangeId(tx);
    await insertRevocations(tx, [newRevocation('01')], slow);
    // Begins later, and commits earlier: nothing but the last statement makes anybody wait.
    await createRevocationStore(db).revoke(revocationRequest(quick));
    assert.equal(await closeChange(tx, slow), 2n);
  });
  assert.deepEqual(
    await changes(db),
    new Map([
      [1n, [quick]],
      [2n, ['01']],
    ]),
  );
});

test('who has taken a position is waited for, so the head never tells of what has not committed', async (t) => {
  const { db } = await createTestDatabase(t);
  const serial = await certificate(db);
  const order: string[] = [];
  let revoking: Promise<unknown> = Promise.resolve();
  await db.transaction(async (tx) => {
    const change = await newChangeId(tx);
    await insertRevocations(tx, [newRevocation('01')], change);
    await closeChange(tx, change);
    revoking = createRevocationStore(db)
      .revoke(revocationRequest(serial))
      .then(() => order.push('second'));
    await eventually(async () => {
      const [row] = await db.query<{ waiting: number }>({
        text: `select count(*)::int as waiting from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`,
      });
      assert.equal(row?.waiting, 1);
    });
    assert.deepEqual([await head(db), await changes(db)], [0n, new Map()]);
    order.push('first');
  });
  await revoking;
  assert.deepEqual(order, ['first', 'second']);
  assert.deepEqual(
    await changes(db),
    new Map([
      [1n, ['01']],
      [2n, [serial]],
    ]),
  );
});

test('a process that stands still with a position in its hand holds the others up for a moment only', async (t) => {
  const { db } = await createTestDatabase(t);
  const serial = await certificate(db);
  const still = db.transaction(async (tx) => {
    const change = await newChangeId(tx);
    await insertRevocations(tx, [newRevocation('01')], change);
    await closeChange(tx, change);
    assert.equal((await createRevocationStore(db).revoke(revocationRequest(serial))).created, true);
  });
  await assert.rejects(still);
  assert.deepEqual(await changes(db), new Map([[1n, [serial]]]));
});

test('a row of a program of before has its change and its position too', async (t) => {
  const { db } = await createTestDatabase(t);
  const serial = await certificate(db);
  const insert = {
    text: `insert into revocations (serial, certificate_id, authority, entry, not_after, revoked_at, reason, requester)
      select serial, id, authority, 'x', not_after, now(), 'superseded', 'old' from certificates
      on conflict do nothing`,
  };
  await db.query(insert);
  assert.deepEqual([await changes(db), await head(db)], [new Map([[1n, [serial]]]), 1n]);
  await createRevocationStore(db).revoke(revocationRequest(await certificate(db)));
  assert.equal(await head(db), 2n);
});
