import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCertificateStore } from '../../src/store/certificates.ts';
import { createRevocationStore } from '../../src/store/revocations.ts';
import { createTestDatabase } from '../support/database.ts';
import { certificateRecord, daysFrom, revocationRequest, start } from './records.ts';

test('a certificate comes back as it was recorded', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createCertificateStore(db);
  const record = certificateRecord({
    subject: 'CN="quo\\"te",O=Ünïcode \\\\ {a,b}',
    commonName: null,
    sans: ['dns:a.example', 'uri:spiffe://x/{y},"z"\\', 'ip:::1'],
    der: Buffer.from(Array.from({ length: 256 }, (_, octet) => octet)),
    metadata: { 'a "b"': 'c\\d' },
    idempotency: { key: 'k', requestHash: Buffer.from([0, 255, 128]) },
  });
  assert.equal(await store.insert(record), 'inserted');
  assert.deepEqual(await store.findBySerial(record.serial), record);
  assert.deepEqual(await store.findByIdempotencyKey('token:a', 'k'), {
    ...record,
    requestHash: Buffer.from([0, 255, 128]),
  });
});

test('what is not there, or is no serial, finds nothing', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createCertificateStore(db);
  for (const serial of ['00', 'zz', '', '0', 'AB', '00'.repeat(40), "'; drop table certificates"]) {
    assert.equal(await store.findBySerial(serial), undefined, serial);
  }
  assert.equal(await store.findByIdempotencyKey('token:a', 'k'), undefined);
});

test('a serial that exists is refused and the first certificate stays', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createCertificateStore(db);
  const first = certificateRecord();
  await store.insert(first);
  await assert.rejects(store.insert(certificateRecord({ serial: first.serial })), { code: 'conflict' });
  assert.deepEqual(await store.findBySerial(first.serial), first);
});

test('a whole batch gets its own answer for each row', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createCertificateStore(db);
  const revocations = createRevocationStore(db);
  const compromised = certificateRecord();
  await store.insert(compromised);
  await revocations.revoke(
    revocationRequest(compromised.serial, { reason: 'keyCompromise', blockSpki: true }),
  );
  const idempotency = { key: 'k', requestHash: Buffer.alloc(32) };
  const sameSerial = certificateRecord();
  const answers = await Promise.allSettled(
    [
      ...Array.from({ length: 20 }, () => certificateRecord()),
      certificateRecord({ spkiSha256: compromised.spkiSha256 }),
      certificateRecord({ idempotency }),
      certificateRecord({ idempotency }),
      certificateRecord({ idempotency, requester: 'token:b' }),
      sameSerial,
      certificateRecord({ serial: sameSerial.serial }),
      certificateRecord({ commonName: 'NUL \0' }),
      certificateRecord({
        sans: [`dns:${Array.from({ length: 9000 }, (_, i) => String.fromCharCode(0x4e00 + i)).join('')}`],
      }),
    ].map((record) => store.insert(record)),
  );
  const outcomes = answers.map((answer) =>
    answer.status === 'fulfilled' ? answer.value : answer.reason.code,
  );
  assert.deepEqual(
    outcomes.slice(0, 20),
    Array.from({ length: 20 }, () => 'inserted'),
  );
  assert.equal(outcomes[20], 'key-blocked');
  assert.deepEqual([outcomes[21], outcomes[22]].sort(), ['idempotency-conflict', 'inserted']);
  assert.equal(outcomes[23], 'inserted');
  assert.deepEqual([outcomes[24], outcomes[25]].sort(), ['conflict', 'inserted']);
  assert.deepEqual(outcomes.slice(26), ['request-invalid', 'request-invalid']);
  const [row] = await db.query<{ count: number }>({
    text: 'select count(*)::int as count from certificates',
  });
  assert.equal(row?.count, 1 + 20 + 1 + 1 + 1);
});

test('of sixteen requests with one Idempotency-Key, through two stores, one is recorded', async (t) => {
  const { db } = await createTestDatabase(t);
  const stores = [createCertificateStore(db), createCertificateStore(db)];
  const idempotency = { key: 'once', requestHash: Buffer.alloc(32, 1) };
  const outcomes = await Promise.all(
    Array.from({ length: 16 }, (_, index) => stores[index % 2]?.insert(certificateRecord({ idempotency }))),
  );
  assert.equal(outcomes.filter((outcome) => outcome === 'inserted').length, 1);
  assert.equal(outcomes.filter((outcome) => outcome === 'idempotency-conflict').length, 15);
});

test('two stores whose batches hold the same keys in opposite order do not lock each other out', async (t) => {
  const { db } = await createTestDatabase(t);
  const one = createCertificateStore(db);
  const other = createCertificateStore(db);
  const keys = Array.from({ length: 200 }, (_, index) => `key-${index}`);
  const insert = (store: typeof one) => (key: string) =>
    store.insert(certificateRecord({ idempotency: { key, requestHash: Buffer.alloc(32) } }));
  const outcomes = await Promise.all([...keys.map(insert(one)), ...keys.toReversed().map(insert(other))]);
  assert.equal(outcomes.filter((outcome) => outcome === 'inserted').length, keys.length);
});

test('what is resolved as inserted is visible to every connection at once', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createCertificateStore(db);
  const seen = await Promise.all(
    Array.from({ length: 300 }, async () => {
      const record = certificateRecord();
      await store.insert(record);
      return (await store.findBySerial(record.serial))?.serial === record.serial;
    }),
  );
  assert.ok(seen.every(Boolean));
});

test('certificates that expire are counted without the revoked ones', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createCertificateStore(db);
  const revoked = certificateRecord({ notAfter: daysFrom(start, 5) });
  const records = [
    revoked,
    ...[4, 5, 9, 10].map((days) => certificateRecord({ notAfter: daysFrom(start, days) })),
    certificateRecord({ notAfter: daysFrom(start, 6), authority: 'other' }),
    certificateRecord({ notAfter: daysFrom(start, 7), profile: 'short' }),
  ];
  await Promise.all(records.map((record) => store.insert(record)));
  await createRevocationStore(db).revoke(revocationRequest(revoked.serial));
  const [from, to] = [daysFrom(start, 5), daysFrom(start, 10)];
  assert.equal(await store.countExpiring('internal-ca', from, to), 3);
  assert.equal(await store.countExpiring('internal-ca', from, to, ['short']), 2);
});

test('expired certificates are deleted in portions, but not one that a CRL still lists', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createCertificateStore(db);
  const listed = certificateRecord({ notAfter: daysFrom(start, 1) });
  const left = certificateRecord({ notAfter: daysFrom(start, 2) });
  const fresh = certificateRecord({ notAfter: daysFrom(start, 20) });
  const old = [3, 4, 5].map((days) => certificateRecord({ notAfter: daysFrom(start, days) }));
  await Promise.all([listed, left, fresh, ...old].map((record) => store.insert(record)));
  const revocations = createRevocationStore(db);
  await revocations.revoke(revocationRequest(listed.serial));
  await revocations.revoke(revocationRequest(left.serial));
  await db.query({
    text: 'update revocations set in_crl = false where serial = $1',
    values: [Buffer.from(left.serial, 'hex')],
  });
  assert.equal(await store.deleteExpired(daysFrom(start, 10), 3), 3);
  assert.equal(await store.deleteExpired(daysFrom(start, 10), 3), 1);
  assert.equal(await store.deleteExpired(daysFrom(start, 10), 3), 0);
  assert.ok(await store.findBySerial(listed.serial));
  assert.ok(await store.findBySerial(fresh.serial));
  assert.equal(await store.findBySerial(left.serial), undefined);
  const changes = await db.query({
    text: `select encode(serial, 'hex') as serial from revocation_changes left join revocations using (change_id)`,
  });
  assert.deepEqual(changes, [{ serial: listed.serial }], 'a change goes with the last row of it');
});
