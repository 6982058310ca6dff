import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TokenRecord } from '../../src/access/token-store.ts';
import { createTokenStore } from '../../src/store/tokens.ts';
import { createTestDatabase } from '../support/database.ts';
import { daysFrom, start } from './records.ts';

const token: TokenRecord = {
  id: 'abc',
  name: 'ci',
  secretSha256: Buffer.alloc(32, 0xfe),
  grants: [{ role: 'issuer', profiles: ['client', 'device'] }, { role: 'reader' }],
  createdAt: start,
  createdBy: 'token:root',
  expiresAt: daysFrom(start, 30),
};

test('a token comes back as it was recorded, and its id is taken', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createTokenStore(db);
  const { expiresAt: _, ...unlimited } = { ...token, id: 'def', createdAt: daysFrom(start, 1) };
  assert.equal(await store.insert(token), true);
  assert.equal(await store.insert(unlimited), true);
  assert.equal(await store.insert({ ...token, name: 'another' }), false);
  assert.deepEqual(await store.findById('abc'), token);
  assert.equal(await store.findById('none'), undefined);
  assert.deepEqual(await store.list(), [token, unlimited]);
});

test('a revocation keeps its first time', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createTokenStore(db);
  await store.insert(token);
  assert.equal(await store.revoke('abc', daysFrom(start, 1)), true);
  assert.equal(await store.revoke('abc', daysFrom(start, 2)), true);
  assert.equal(await store.revoke('none', start), false);
  assert.deepEqual((await store.findById('abc'))?.revokedAt, daysFrom(start, 1));
});

test('a token that has been dead for a year goes when another is made', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createTokenStore(db);
  await store.insert(token);
  await store.insert({ ...token, id: 'younger', expiresAt: daysFrom(start, 60) });
  await store.insert({
    ...token,
    id: 'new',
    createdAt: daysFrom(start, 30 + 366),
    expiresAt: daysFrom(start, 999),
  });
  assert.deepEqual(
    (await store.list()).map((each) => each.id),
    ['younger', 'new'],
  );
});
