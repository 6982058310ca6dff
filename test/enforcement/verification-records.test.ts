import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createVerificationRecords,
  type VerificationRecord,
} from '../../src/enforcement/verification-records.ts';
import { createClientVerificationStore } from '../../src/store/client-verifications.ts';
import { createTestDatabase } from '../support/database.ts';

const full: VerificationRecord = {
  namespace: 'app',
  name: 'web',
  uid: 'u-1',
  controller: 'ingress-nginx',
  authority: 'internal-ca',
  state: 'applying',
  settings: {
    mode: 'optional',
    passCertificate: false,
    errorPage: '/sorry',
    matchCommonName: 'älice',
    revocation: 'online',
    allow: [{ commonName: 'älice' }, { dns: '*.a.example' }],
  },
  hosts: ['a.example', '*.b.example'],
  revocationEnforced: true,
  revocation: { effective: 'both', wholeHost: true, why: { code: 'secret-over-budget', detail: 'full' } },
  written: { 'x/a': '1' },
  before: { 'x/a': null, 'x/b': '0' },
  origin: 'annotation',
  trouble: [{ code: 'admission-denied', detail: 'no' }],
  requester: 'token:1',
  createdAt: new Date('2026-11-23T12:00:00.123Z'),
  updatedAt: new Date('2026-11-23T13:00:00Z'),
};

test('a record comes back from the database as it was, nulls and all', async (t) => {
  const { db } = await createTestDatabase(t);
  const records = createVerificationRecords(createClientVerificationStore(db));
  await records.put(full);
  assert.deepEqual(await records.find('app', 'web'), full);
  const plain: VerificationRecord = {
    ...full,
    name: 'api',
    settings: { mode: 'on', passCertificate: true, revocation: 'crl' },
    revocation: { effective: 'crl', wholeHost: false },
  };
  await records.put(plain);
  assert.deepEqual(await records.list(), [plain, full]);
});

test('a record of a program that knew of CRLs only depends on the CRL', async () => {
  const { state, settings, hosts, revocationEnforced, revocation: _unknown, ...columns } = full;
  const { revocation: _too, allow: _also, ...before } = settings;
  const spec = { state, settings: before, hosts, revocationEnforced };
  const records = createVerificationRecords({
    find: async () => ({ ...columns, spec }),
    put: async (row) => row,
    list: async () => [],
    delete: async () => false,
  });
  const found = await records.find('app', 'web');
  assert.deepEqual(found?.settings, { ...before, revocation: 'crl' });
  assert.deepEqual(found?.revocation, { effective: 'crl', wholeHost: false });
});

test('it is replaced by the next, and gone when deleted', async (t) => {
  const { db } = await createTestDatabase(t);
  const records = createVerificationRecords(createClientVerificationStore(db));
  await records.put(full);
  await records.put({ ...full, state: 'applied', before: {} });
  assert.deepEqual(await records.find('app', 'web'), { ...full, state: 'applied', before: {} });
  await records.delete('app', 'web');
  assert.equal(await records.find('app', 'web'), undefined);
});

test('a record for a controller that this program does not know is unreadable, and hides no other', async () => {
  const { state, settings, hosts, revocationEnforced, ...columns } = full;
  const spec = { state, settings, hosts, revocationEnforced };
  const records = createVerificationRecords({
    find: async () => ({ ...columns, spec, controller: 'caddy' }),
    put: async (row) => row,
    list: async () => [
      { ...columns, spec, controller: 'caddy' },
      { ...columns, spec, name: 'sound' },
    ],
    delete: async () => false,
  });
  assert.equal((await records.find('app', 'web'))?.unreadable?.code, 'record-unreadable');
  assert.deepEqual(
    (await records.list()).map(({ unreadable }) => unreadable?.code),
    ['record-unreadable', undefined],
  );
});
