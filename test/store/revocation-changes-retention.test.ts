import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCertificateStore } from '../../src/store/certificates.ts';
import { thinCrlHistory } from '../../src/store/revocation-changes-retention.ts';
import { createTestDatabase } from '../support/database.ts';
import { daysFrom, start } from './records.ts';

test('revocations of certificates that are not ours, released holds and their changes go in portions', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createCertificateStore(db);
  await db.query({
    text: `insert into revocations (serial, authority, entry, not_after, revoked_at, reason, requester, in_crl, change_id)
      select int4send(n), 'internal-ca', 'x', $1::timestamptz + n * interval '1 day', now(), 'superseded', 'r',
        n in (2, 30), case when n < 5 then 1 else n end
      from generate_series(1, 30) n`,
    values: [start],
  });
  await db.query({
    text: `insert into hold_releases select n, int4send(n), 'internal-ca', 'x', $1::timestamptz + n * interval '1 day',
        now(), 'r', now(), 'r' from generate_series(41, 43) n`,
    values: [daysFrom(start, -39)],
  });
  await db.query({
    text: `insert into revocation_changes select n, n from generate_series(1, 50) n`,
  });
  const before = daysFrom(start, 10.5);
  assert.equal(await store.deleteExpired(before, 6), 9);
  assert.equal(await store.deleteExpired(before, 6), 3);
  assert.equal(await store.deleteExpired(before, 6), 0);
  const left = await db.query<{ change_id: number; rows: number }>({
    text: `select change_id::int, count(r.serial)::int as rows from revocation_changes
      left join revocations r using (change_id) group by change_id order by change_id`,
  });
  assert.deepEqual(left.slice(0, 2), [
    { change_id: 1, rows: 1 },
    { change_id: 2, rows: 0 },
  ]);
  // What was never of these rows is not looked at; what they left is gone.
  const ids = left.map((row) => row.change_id);
  for (const gone of [5, 10, 41, 43]) assert.ok(!ids.includes(gone), String(gone));
  for (const kept of [11, 29, 30]) assert.ok(ids.includes(kept), String(kept));
});

test('of the CRLs that lapsed long ago the last of each hour stays', async (t) => {
  const { db } = await createTestDatabase(t);
  const add = (authority: string, number: number, minutes: number) =>
    db.query({
      text: `insert into crl_history select $1, $2, $2, at, at + interval '1 day'
        from (select $3::timestamptz + $4 * interval '1 minute' as at) as said`,
      values: [authority, number, start, minutes],
    });
  for (const [number, minutes] of [
    [1, 0],
    [2, 5],
    [3, 59],
    [4, 60],
    [5, 61],
    [6, 6_000],
    [7, 6_001],
  ] as const) {
    await add('internal-ca', number, minutes);
    if (number < 3) await add('other', number, minutes);
  }
  const before = daysFrom(start, 2);
  assert.equal(await thinCrlHistory(db, before, 3), 3);
  assert.equal(await thinCrlHistory(db, before, 3), 1);
  assert.equal(await thinCrlHistory(db, before, 3), 0);
  const left = await db.query({ text: 'select authority, number::int from crl_history order by 1, 2' });
  assert.deepEqual(left, [
    ...[3, 5, 6, 7].map((number) => ({ authority: 'internal-ca', number })),
    { authority: 'other', number: 2 },
  ]);
});
