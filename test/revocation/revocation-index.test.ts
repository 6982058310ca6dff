import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RevocationChange } from '../../src/revocation/revocation-index.ts';
import { createCertificateStore } from '../../src/store/certificates.ts';
import { closeChange, insertRevocations, newChangeId } from '../../src/store/revocation-changes.ts';
import { createRevocationStore } from '../../src/store/revocations.ts';
import { certificateRecord, daysFrom, revocationRequest, start } from '../store/records.ts';
import { createTestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { anHour, openIndex, revokeNew } from './revocation-indexes.ts';

const ca = 'internal-ca';

test('what was revoked before the start is known after it, and what comes later soon', async (t) => {
  const { db } = await createTestDatabase(t);
  const before = await revokeNew(db, { reason: 'keyCompromise' });
  const probe = await revokeNew(db, { inCrl: false });
  const other = await revokeNew(db, { authority: 'other' });
  const { index, changes, loads } = openIndex(t, db);
  assert.deepEqual([index.size, index.ageMs()], [0, Number.POSITIVE_INFINITY]);
  await index.start();
  assert.deepEqual(index.lookup(ca, before), { reason: 'keyCompromise', revokedAt: daysFrom(start, 1) });
  assert.equal(index.lookup(ca, probe)?.reason, 'superseded', 'also what no CRL lists');
  assert.deepEqual(
    [index.lookup(ca, other), index.lookup('other', other)?.reason],
    [undefined, 'superseded'],
  );
  assert.deepEqual([index.size, index.position], [3, 3n]);
  const after = await revokeNew(db);
  await eventually(() => assert.equal(index.position, 4n));
  assert.equal(index.lookup(ca, after)?.reason, 'superseded');
  const expected: RevocationChange[] = [
    { kind: 'reloaded' },
    { kind: 'changed', authority: ca, serials: [after] },
  ];
  assert.deepEqual([changes, loads()], [expected, 1]);
});

test('a notice makes it look at once', async (t) => {
  const { db } = await createTestDatabase(t);
  const { index } = openIndex(t, db, { pollMs: anHour });
  await index.start();
  const serial = await revokeNew(db);
  index.wake();
  await eventually(() => assert.ok(index.lookup(ca, serial)));
});

test('of two transactions that commit in another order than they began none is missed', async (t) => {
  const { db } = await createTestDatabase(t);
  const { index } = openIndex(t, db);
  await index.start();
  await db.transaction(async (tx) => {
    const slow = await newChangeId(tx);
    const { serial, authority, revokedAt, reason, requester, entry } = revocationRequest('0a');
    const row = { serial, authority, revokedAt, reason, requester, entry };
    const rest = { certificateId: null, notAfter: daysFrom(start, 90), inCrl: true };
    await insertRevocations(tx, [{ ...row, ...rest }], slow);
    const quick = await revokeNew(db);
    await eventually(() => assert.ok(index.lookup(ca, quick)));
    assert.deepEqual([index.position, index.lookup(ca, '0a')], [1n, undefined]);
    await closeChange(tx, slow);
  });
  await eventually(() => assert.equal(index.position, 2n));
  assert.equal(index.lookup(ca, '0a')?.reason, 'superseded');
});

test('a reader that knows the position knows every revocation up to it, however many write', async (t) => {
  const { db } = await createTestDatabase(t);
  const certificates = createCertificateStore(db);
  // A store each, as on many replicas: what one writes the others do not order.
  const stores = Array.from({ length: 6 }, () => createRevocationStore(db));
  const records = Array.from({ length: 600 }, () => certificateRecord());
  await Promise.all(records.map((record) => certificates.insert(record)));
  const { index } = openIndex(t, db, { pollMs: 1 });
  await index.start();
  const acknowledged = new Set<string>();
  let wrong = 0;
  let looks = 0;
  index.onChange(() => {
    looks += 1;
  });
  const revoke = async (serial: string, nth: number): Promise<void> => {
    await stores[nth % stores.length]?.revoke(revocationRequest(serial));
    acknowledged.add(serial);
    // Before the position is read: what is acknowledged while that is on its way may be above it.
    const seen = [...acknowledged];
    const [row] = await db.query<{ position: string }>({ text: 'select position from revocation_head' });
    await eventually(() => assert.ok(index.position >= BigInt(row?.position ?? 0)));
    wrong += seen.filter((one) => index.lookup(ca, one) === undefined).length;
  };
  // In three waves, so that there is more than one look also where the machine is busy.
  for (let from = 0; from < records.length; from += 200)
    await Promise.all(records.slice(from, from + 200).map(({ serial }, nth) => revoke(serial, nth)));
  assert.deepEqual([wrong, acknowledged.size, index.size], [0, 600, 600]);
  assert.ok(looks >= 3, `${looks} looks`);
});

test('another reason and a release are followed, and a release that was revoked again is revoked', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createRevocationStore(db);
  const { index } = openIndex(t, db, { pollMs: anHour });
  const [worse, good, again] = [
    await revokeNew(db, { reason: 'certificateHold' }),
    await revokeNew(db, { reason: 'certificateHold' }),
    await revokeNew(db, { reason: 'certificateHold' }),
  ];
  await index.start();
  const release = { authority: ca, releasedAt: start, requester: 'token:r', entry: Buffer.from('8') };
  await store.updateReason({
    ...{ serial: worse, authority: ca, from: ['certificateHold'], reason: 'keyCompromise' },
    ...{ revokedAt: daysFrom(start, 1), requester: 'token:r', entry: Buffer.from('1') },
  });
  await store.releaseHold({ ...release, serial: good });
  await store.releaseHold({ ...release, serial: again });
  await store.revoke(revocationRequest(again, { reason: 'superseded' }));
  index.wake();
  await eventually(() => assert.equal(index.position, 7n));
  assert.equal(index.lookup(ca, worse)?.reason, 'keyCompromise');
  assert.equal(index.lookup(ca, good), undefined);
  assert.equal(index.lookup(ca, again)?.reason, 'superseded');
  assert.equal(index.size, 2);
});

test('a change of more rows than a page has, and many small ones, are read whole', async (t) => {
  const { db } = await createTestDatabase(t);
  const { index, changes } = openIndex(t, db, { pollMs: anHour });
  await index.start();
  const revokeMany = async (first: number, count: number): Promise<void> => {
    await db.query({
      text: `with change as (select nextval('revocation_change_ids') as id), head as (
          update revocation_head set position = position + 1 returning position
        ), closed as (insert into revocation_changes select position, id from head, change)
        insert into revocations (serial, authority, entry, not_after, revoked_at, reason, requester, change_id)
        select int4send(n), $3, 'x', $4, now(), 'superseded', 'r', id
        from generate_series($1::int, $1 + $2 - 1) n, change`,
      values: [first, count, ca, daysFrom(start, 90)],
    });
  };
  await revokeMany(1, 12_345);
  for (let n = 0; n < 20; n++) await revokeMany(20_000 + n, 1);
  await revokeMany(30_000, 5_000);
  index.wake();
  await eventually(() => assert.equal(index.position, 22n));
  assert.equal(index.size, 12_345 + 20 + 5_000);
  for (const n of [1, 4_999, 5_000, 5_001, 10_001, 12_345, 20_000, 20_019, 30_000, 34_999])
    assert.ok(index.lookup(ca, n.toString(16).padStart(8, '0')), String(n));
  const told = changes.flatMap((change) => (change.kind === 'changed' ? change.serials : []));
  assert.equal(new Set(told).size, index.size);
  const fresh = openIndex(t, db);
  await fresh.index.start();
  assert.equal(fresh.index.size, index.size, 'and so is the whole');
});

test('who expired more than a day ago is left out, and dropped in time', async (t) => {
  const { db } = await createTestDatabase(t);
  const serial = await revokeNew(db);
  const { index, clock, loads } = openIndex(t, db, { pollMs: 1 });
  await index.start();
  clock.set(daysFrom(start, 90.9).getTime());
  const late = openIndex(t, db, { pollMs: anHour });
  late.clock.set(clock.now());
  await late.index.start();
  assert.equal(late.index.size, 1, 'a day for clocks that differ');
  clock.set(daysFrom(start, 91.1).getTime());
  await eventually(() => assert.equal(index.lookup(ca, serial), undefined));
  assert.equal(index.size, 0);
  const later = openIndex(t, db, { pollMs: anHour });
  later.clock.set(clock.now());
  await later.index.start();
  assert.deepEqual([later.index.size, later.index.position], [0, 1n]);
  // The clock had been wrong: the certificate is good again, and must not be let in.
  assert.equal(loads(), 1);
  clock.set(daysFrom(start, 2).getTime());
  await eventually(() => assert.ok(index.lookup(ca, serial)));
  assert.equal(loads(), 2);
});

test('who no longer listens is not told', async (t) => {
  const { db } = await createTestDatabase(t);
  const { index, changes } = openIndex(t, db);
  const told: RevocationChange[] = [];
  const end = index.onChange((change) => told.push(change));
  await index.start();
  end();
  await revokeNew(db);
  await eventually(() => assert.equal(changes.length, 2));
  assert.deepEqual(told, [{ kind: 'reloaded' }]);
});
