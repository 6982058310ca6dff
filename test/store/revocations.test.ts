import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../../src/fault.ts';
import { createCertificateStore } from '../../src/store/certificates.ts';
import { createRevocationStore } from '../../src/store/revocations.ts';
import { createTestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { certificateRecord, daysFrom, revocationRequest, start } from './records.ts';

test('a revocation is recorded with its certificate', async (t) => {
  const { db } = await createTestDatabase(t);
  const certificates = createCertificateStore(db);
  const record = certificateRecord();
  await certificates.insert(record);
  const revocation = { revokedAt: daysFrom(start, 1), reason: 'superseded', requester: 'token:r' };
  assert.deepEqual(await createRevocationStore(db).revoke(revocationRequest(record.serial)), {
    revocation,
    created: true,
  });
  assert.deepEqual(await certificates.findBySerial(record.serial), { ...record, revocation });
});

test('the first revocation stands, however many come at once', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createRevocationStore(db);
  const record = certificateRecord();
  await createCertificateStore(db).insert(record);
  const results = await Promise.all(
    Array.from({ length: 12 }, (_, index) =>
      store.revoke(revocationRequest(record.serial, { requester: `token:${index}` })),
    ),
  );
  assert.equal(results.filter((result) => result.created).length, 1);
  assert.equal(new Set(results.map((result) => result.revocation.requester)).size, 1);
  assert.deepEqual(await store.pending('internal-ca'), { count: 1, compromised: false });
});

test('an unknown serial, another authority or no serial at all is not found', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createRevocationStore(db);
  const record = certificateRecord();
  await createCertificateStore(db).insert(record);
  for (const request of [
    revocationRequest('01'.repeat(16)),
    { ...revocationRequest(record.serial), serial: 'nonsense' },
    revocationRequest(record.serial, { authority: 'other' }),
  ]) {
    await assert.rejects(store.revoke({ ...request, blockSpki: true }), { code: 'certificate-not-found' });
  }
  const [row] = await db.query<{ count: number }>({
    text: 'select count(*)::int as count from blocked_keys',
  });
  assert.equal(row?.count, 0);
});

test('a compromised key is blocked, also when its certificate was revoked for another reason before', async (t) => {
  const { db } = await createTestDatabase(t);
  const certificates = createCertificateStore(db);
  const store = createRevocationStore(db);
  const record = certificateRecord();
  await certificates.insert(record);
  await store.revoke(revocationRequest(record.serial));
  const sameKey = { spkiSha256: record.spkiSha256 };
  assert.equal(await certificates.insert(certificateRecord(sameKey)), 'inserted');
  const second = await store.revoke(
    revocationRequest(record.serial, { reason: 'keyCompromise', blockSpki: true }),
  );
  assert.deepEqual([second.created, second.revocation.reason], [false, 'superseded']);
  assert.equal(await certificates.insert(certificateRecord(sameKey)), 'key-blocked');
});

test('pending counts each authority for itself and tells a compromise', async (t) => {
  const { db } = await createTestDatabase(t);
  const certificates = createCertificateStore(db);
  const store = createRevocationStore(db);
  assert.deepEqual(await store.pending('internal-ca'), { count: 0, compromised: false });
  const mine = certificateRecord();
  const others = certificateRecord({ authority: 'other' });
  await Promise.all([certificates.insert(mine), certificates.insert(others)]);
  await store.revoke(revocationRequest(mine.serial, { reason: 'keyCompromise' }));
  await store.revoke(revocationRequest(others.serial, { authority: 'other' }));
  assert.deepEqual(await store.pending('internal-ca'), { count: 1, compromised: true });
  assert.deepEqual(await store.pending('other'), { count: 1, compromised: false });
});

test('many revocations at once are a few changes, each answered for itself', async (t) => {
  const { db } = await createTestDatabase(t);
  const certificates = createCertificateStore(db);
  const store = createRevocationStore(db);
  const records = Array.from({ length: 700 }, () => certificateRecord());
  await Promise.all(records.map((record) => certificates.insert(record)));
  const outcomes = await Promise.all([
    ...records.map(({ serial }, index) =>
      store.revoke(revocationRequest(serial, { requester: `token:${index}` })),
    ),
    store.revoke(revocationRequest('01'.repeat(16))).catch((error: unknown) => error),
    store.revoke(revocationRequest(records[0]?.serial ?? '')),
  ]);
  const [again, unknown] = [outcomes.pop(), outcomes.pop()];
  assert.ok(unknown instanceof Fault && unknown.code === 'certificate-not-found');
  assert.ok(again !== undefined && 'created' in Object(again) && !(again as { created: boolean }).created);
  for (const [index, outcome] of outcomes.entries())
    assert.deepEqual(outcome, {
      revocation: { revokedAt: daysFrom(start, 1), reason: 'superseded', requester: `token:${index}` },
      created: true,
    });
  const [row] = await db.query<{ changes: number; position: number; rows: number }>({
    text: `select (select count(*)::int from revocation_changes) as changes,
      (select position::int from revocation_head) as position, (select count(*)::int from revocations) as rows`,
  });
  assert.equal(row?.rows, 700);
  assert.equal(row?.changes, row?.position);
  assert.ok((row?.changes ?? 0) <= 6, `${row?.changes} changes`);
});

test('one that cannot be recorded costs the others of its statement nothing', async (t) => {
  const { db } = await createTestDatabase(t);
  const certificates = createCertificateStore(db);
  const store = createRevocationStore(db);
  const records = Array.from({ length: 9 }, () => certificateRecord());
  await Promise.all(records.map((record) => certificates.insert(record)));
  const outcomes = await Promise.allSettled(
    records.map(({ serial }, index) =>
      store.revoke(revocationRequest(serial, index === 5 ? { requester: 'token:\0' } : {})),
    ),
  );
  assert.deepEqual(
    outcomes.map(({ status }) => status === 'fulfilled'),
    records.map((_, index) => index !== 5),
  );
});

test('stores that revoke the same certificates and keys at once wait for each other, and never in a circle', async (t) => {
  const { db } = await createTestDatabase(t);
  const certificates = createCertificateStore(db);
  const stores = Array.from({ length: 4 }, () => createRevocationStore(db));
  const keys = Array.from({ length: 20 }, () => certificateRecord().spkiSha256);
  const records = Array.from({ length: 300 }, (_, index) => {
    const spkiSha256 = keys[index % keys.length];
    return certificateRecord(spkiSha256 === undefined ? {} : { spkiSha256 });
  });
  await Promise.all(records.map((record) => certificates.insert(record)));
  const compromised = { reason: 'keyCompromise', blockSpki: true } as const;
  const outcomes = await Promise.all(
    stores.flatMap((store, turn) =>
      (turn % 2 === 0 ? records : records.toReversed()).map(({ serial }) =>
        store.revoke(revocationRequest(serial, compromised)),
      ),
    ),
  );
  assert.equal(outcomes.filter(({ created }) => created).length, 300);
  const [row] = await db.query<{ keys: number; deadlocks: number }>({
    text: `select (select count(*)::int from blocked_keys) as keys,
      (select deadlocks::int from pg_stat_database where datname = current_database()) as deadlocks`,
  });
  assert.deepEqual(row, { keys: 20, deadlocks: 0 });
});

test('of a program that locks in another order one waits, and is tried again', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createRevocationStore(db);
  const record = certificateRecord();
  await createCertificateStore(db).insert(record);
  const other = db.transaction(async (tx) => {
    // As the trigger of before: the head first.
    await tx.query({ text: `set local deadlock_timeout = '1h'` });
    await tx.query({ text: 'update revocation_head set position = position' });
    const revoking = store.revoke(revocationRequest(record.serial));
    await eventually(async () => {
      const [row] = await db.query<{ waiting: number }>({
        text: `select count(*)::int as waiting from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`,
      });
      assert.equal(row?.waiting, 1);
    });
    await tx.query({
      text: `insert into revocations (serial, authority, entry, not_after, revoked_at, reason, requester, in_crl)
        values ($1, 'internal-ca', '', now(), now(), 'superseded', 'old', false) on conflict do nothing`,
      values: [Buffer.from(record.serial, 'hex')],
    });
    return { revoking };
  });
  const { revoking } = await other;
  const outcome = await revoking;
  assert.deepEqual([outcome.created, outcome.revocation.requester], [false, 'old']);
});

test('a revocation that no CRL will list says so by having no number', async (t) => {
  const { db } = await createTestDatabase(t);
  const certificates = createCertificateStore(db);
  const store = createRevocationStore(db);
  const [probe, listed, late] = [certificateRecord(), certificateRecord(), certificateRecord()];
  for (const [record, inCrl] of [
    [probe, false],
    [listed, true],
  ] as const) {
    await certificates.insert(record);
    await store.revoke(revocationRequest(record.serial, { inCrl }));
  }
  for (const [number, position] of [
    [7, 1],
    [8, 2],
    [9, 2],
    [10, 3],
  ])
    await db.query({
      text: `insert into crl_history values ('internal-ca', $1, $2, now(), now()), ('other', $1 - 5, $2, now(), now())`,
      values: [number, position],
    });
  await certificates.insert(late);
  await store.revoke(revocationRequest(late.serial));
  await store.revoke(revocationRequest(late.serial));
  const numberOf = async ({ serial }: { serial: string }) =>
    (await certificates.findBySerial(serial))?.revocation?.crlNumber;
  assert.deepEqual(
    [await numberOf(probe), await numberOf(listed), await numberOf(late)],
    [undefined, '8', '10'],
  );
  const again = await store.revoke(revocationRequest(listed.serial));
  assert.deepEqual([again.created, again.revocation.crlNumber], [false, '8']);
});
