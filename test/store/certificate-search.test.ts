import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  type CertificateFilter,
  type CertificateStore,
  createCertificateStore,
} from '../../src/store/certificates.ts';
import { createRevocationStore } from '../../src/store/revocations.ts';
import { createTestDatabase } from '../support/database.ts';
import { certificateRecord, daysFrom, revocationRequest, start } from './records.ts';

const now = daysFrom(start, 30);

async function names(store: CertificateStore, filter: CertificateFilter): Promise<string[]> {
  const page = await store.search(filter, { limit: 100 }, now);
  return page.items.map((item) => item.commonName ?? '').sort();
}

/** Four certificates: valid, expired, revoked, and revoked and expired. */
async function fourCertificates(t: TestContext): Promise<CertificateStore> {
  const { db } = await createTestDatabase(t);
  const store = createCertificateStore(db);
  const make = (commonName: string, days: number, changes = {}) =>
    certificateRecord({
      commonName,
      subject: `CN=${commonName},O=Example`,
      sans: [`dns:${commonName.toLowerCase()}.example`],
      notAfter: daysFrom(start, days),
      ...changes,
    });
  const records = [
    make('Valid_1', 60, { profile: 'device', requester: 'token:b' }),
    make('expired', 10, {
      authority: 'other',
      sans: ['ip:10.0.0.1', 'email:A@example'],
      spkiSha256: Buffer.alloc(32, 7),
    }),
    make('revoked', 60, { createdAt: daysFrom(start, 5) }),
    make('revoked-expired', 20),
  ];
  for (const record of records) await store.insert(record);
  const revocations = createRevocationStore(db);
  for (const record of records.slice(2)) await revocations.revoke(revocationRequest(record.serial));
  return store;
}

test('each filter finds what it says', async (t) => {
  const store = await fourCertificates(t);
  const cases: [CertificateFilter, string[]][] = [
    [{}, ['Valid_1', 'expired', 'revoked', 'revoked-expired']],
    [{ state: 'valid' }, ['Valid_1']],
    [{ state: 'expired' }, ['expired']],
    [{ state: 'revoked' }, ['revoked', 'revoked-expired']],
    [{ subject: 'REVOKED' }, ['revoked', 'revoked-expired']],
    [{ subject: 'cn=revoked,' }, ['revoked']],
    [{ subject: 'valid_' }, ['Valid_1']],
    [{ subject: '%' }, []],
    [{ subject: 'validX' }, []],
    [{ subject: '\\' }, []],
    [{ san: 'dns:VALID_1.example' }, ['Valid_1']],
    [{ san: 'valid_1.example' }, ['Valid_1']],
    [{ san: '10.0.0.1' }, ['expired']],
    [{ san: 'email:A@example' }, ['expired']],
    [{ san: 'valid_1' }, []],
    [{ profile: 'device' }, ['Valid_1']],
    [{ authority: 'other' }, ['expired']],
    [{ requester: 'token:b' }, ['Valid_1']],
    [{ expiresBefore: daysFrom(start, 20) }, ['expired']],
    [{ expiresAfter: daysFrom(start, 20) }, ['Valid_1', 'revoked', 'revoked-expired']],
    [
      { expiresAfter: daysFrom(start, 20), expiresBefore: daysFrom(start, 21), state: 'revoked' },
      ['revoked-expired'],
    ],
    [{ requester: 'token:a', state: 'valid' }, []],
    [{ reason: 'superseded' }, ['revoked', 'revoked-expired']],
    [{ reason: 'certificateHold' }, []],
    [{ reason: 'superseded', subject: 'cn=revoked,' }, ['revoked']],
    [{ reason: 'superseded', state: 'valid' }, []],
    [{ issuedAfter: daysFrom(start, 5) }, ['revoked']],
    [{ issuedBefore: daysFrom(start, 5) }, ['Valid_1', 'expired', 'revoked-expired']],
    [{ issuedAfter: daysFrom(start, 5), issuedBefore: daysFrom(start, 5) }, []],
    [{ spkiSha256: Buffer.alloc(32, 7) }, ['expired']],
    [{ spkiSha256: Buffer.alloc(32, 8) }, []],
  ];
  for (const [filter, expected] of cases) {
    assert.deepEqual(await names(store, filter), expected.sort(), JSON.stringify(filter));
  }
});

test('a search shows the revocation and leaves the certificate itself out', async (t) => {
  const store = await fourCertificates(t);
  const page = await store.search({ subject: 'cn=revoked,' }, { limit: 10 }, now);
  assert.deepEqual(page.items[0]?.revocation, {
    revokedAt: daysFrom(start, 1),
    reason: 'superseded',
    requester: 'token:r',
  });
  assert.equal(
    page.items.some((item) => 'der' in item),
    false,
  );
});

for (const filter of [{}, { state: 'revoked' }, { expiresAfter: start }] as const) {
  test(`pages of ${JSON.stringify(filter)} hold every certificate once, also while others are added`, async (t) => {
    const { db } = await createTestDatabase(t);
    const store = createCertificateStore(db);
    const revocations = createRevocationStore(db);
    const serials: string[] = [];
    for (let index = 0; index < 25; index++) {
      // Expiries that repeat: the order among equals is the id's.
      const record = certificateRecord({ notAfter: daysFrom(start, 40 + (index % 3)) });
      await store.insert(record);
      await revocations.revoke(revocationRequest(record.serial));
      serials.push(record.serial);
    }
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.search(filter, { limit: 7, ...(cursor === undefined ? {} : { cursor }) }, now);
      seen.push(...page.items.map((item) => item.serial));
      cursor = page.nextCursor;
      await store.insert(certificateRecord({ notAfter: daysFrom(start, -1) }));
    } while (cursor !== undefined);
    assert.equal(new Set(seen).size, seen.length);
    assert.deepEqual(seen.toSorted(), serials.toSorted());
  });
}

test('the newest come first, and by expiry the earliest', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createCertificateStore(db);
  for (const [index, days] of [50, 70, 60].entries()) {
    await store.insert(certificateRecord({ commonName: `n${index}`, notAfter: daysFrom(start, days) }));
  }
  const order = async (filter: CertificateFilter) =>
    (await store.search(filter, { limit: 10 }, now)).items.map((item) => item.commonName);
  assert.deepEqual(await order({}), ['n2', 'n1', 'n0']);
  assert.deepEqual(await order({ expiresAfter: start }), ['n0', 'n2', 'n1']);
});

test('a cursor that is not ours, or of another order, is refused by name', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createCertificateStore(db);
  for (let index = 0; index < 3; index++) await store.insert(certificateRecord());
  const { nextCursor } = await store.search({}, { limit: 1 }, now);
  assert.ok(nextCursor);
  const wrong = [
    '',
    'x',
    'bi4',
    '\0',
    'n.1',
    Buffer.from('n.99999999999999999999').toString('base64url'),
    Buffer.from('n.9999999999999999999').toString('base64url'),
    Buffer.from('e.1.2').toString('base64url'),
    'A'.repeat(500),
  ];
  for (const cursor of wrong) {
    await assert.rejects(
      store.search({}, { limit: 1, cursor }, now),
      { code: 'request-invalid', field: 'cursor' },
      cursor,
    );
  }
  await assert.rejects(store.search({ state: 'expired' }, { limit: 1, cursor: nextCursor }, now), {
    field: 'cursor',
  });
});

test('a filter that no row can match is refused, not answered with a fault of the database', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createCertificateStore(db);
  await assert.rejects(store.search({ subject: 'a\0' }, { limit: 1 }, now), {
    code: 'request-invalid',
    field: 'subject',
  });
  await assert.rejects(store.search({ subject: 'a'.repeat(257) }, { limit: 1 }, now), {
    code: 'request-invalid',
    field: 'subject',
  });
});
