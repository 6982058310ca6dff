import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AuthorityRecord, createAuthorityStore } from '../../src/store/authorities.ts';
import { createTestDatabase } from '../support/database.ts';
import { daysFrom, start } from './records.ts';

const authority: AuthorityRecord = {
  name: 'internal-ca',
  certificate: Buffer.from([0x30, 0x00, 0xff, 0x80]),
  chain: [Buffer.from([0xfe, 0x00]), Buffer.from([0x22, 0x5c])],
  keyReference: 'file:internal-ca.key',
  state: 'active',
  createdAt: start,
};

test('an authority comes back as it was recorded', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createAuthorityStore(db);
  assert.deepEqual(await store.insertIfAbsent(authority), { authority, created: true });
  assert.deepEqual(await store.find('internal-ca'), authority);
  assert.equal(await store.find('other'), undefined);
  const other = { ...authority, name: 'a', chain: [], createdAt: daysFrom(start, 1) };
  await store.insertIfAbsent(other);
  assert.deepEqual(await store.list(), [authority, other]);
});

test('of several that are inserted at once under one name, one stands and all see it', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createAuthorityStore(db);
  const results = await Promise.all(
    Array.from({ length: 6 }, (_, index) =>
      store.insertIfAbsent({ ...authority, keyReference: `file:${index}` }),
    ),
  );
  assert.equal(results.filter((result) => result.created).length, 1);
  assert.equal(new Set(results.map((result) => result.authority.keyReference)).size, 1);
});
