import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ClientVerificationRecord,
  createClientVerificationStore,
} from '../../src/store/client-verifications.ts';
import { createTestDatabase } from '../support/database.ts';
import { daysFrom, start } from './records.ts';

const record: ClientVerificationRecord = {
  namespace: 'shop',
  name: 'web',
  uid: 'u-1',
  controller: 'k8s.io/ingress-nginx',
  authority: 'internal-ca',
  spec: { mode: 'on' },
  before: { z: null, a: ['x', { deep: 'ü"\\' }] },
  written: {},
  origin: 'annotation',
  trouble: [{ code: 'x', detail: 'y' }],
  createdAt: start,
  updatedAt: start,
  requester: 'token:a',
};

test('a record comes back as it was put, members in their order', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createClientVerificationStore(db);
  assert.deepEqual(await store.put(record), record);
  const found = await store.find('shop', 'web');
  assert.deepEqual(found, record);
  assert.equal(JSON.stringify(found?.before), JSON.stringify(record.before));
  assert.equal(await store.find('shop', 'other'), undefined);
});

test('putting again keeps when it began, unless the Ingress is another one of that name', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createClientVerificationStore(db);
  await store.put(record);
  const later = { ...record, createdAt: daysFrom(start, 1), updatedAt: daysFrom(start, 1), spec: [] };
  assert.deepEqual(await store.put(later), { ...later, createdAt: start });
  assert.deepEqual(await store.put({ ...later, uid: 'u-2' }), { ...later, uid: 'u-2' });
});

test('list, namespaces and delete', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createClientVerificationStore(db);
  const all = [
    { ...record, namespace: 'a', name: 'z' },
    { ...record, namespace: 'b', name: 'a' },
    { ...record, namespace: 'b', name: 'b' },
  ];
  for (const each of all.toReversed()) await store.put(each);
  assert.deepEqual(await store.list(), all);
  assert.deepEqual(await store.namespaces(), ['a', 'b']);
  assert.equal(await store.delete('a', 'z'), true);
  assert.equal(await store.delete('a', 'z'), false);
  assert.deepEqual(await store.namespaces(), ['b']);
});
