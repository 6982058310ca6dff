import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCertificateStore } from '../../src/store/certificates.ts';
import { createRevocationStore } from '../../src/store/revocations.ts';
import { createTestDatabase } from '../support/database.ts';
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
    revocationRequest('00'.repeat(16)),
    revocationRequest('nonsense'),
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
