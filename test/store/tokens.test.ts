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

const any = { keepAdministrator: false };
const keeping = { keepAdministrator: true };

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
  assert.equal(await store.revoke('abc', daysFrom(start, 1), any), true);
  assert.equal(await store.revoke('abc', daysFrom(start, 2), any), true);
  assert.equal(await store.revoke('none', start, any), false);
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

test('of administrators that are revoked at once, one stays', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createTokenStore(db);
  const ids = ['a', 'b', 'c', 'd'];
  const lasting = { ...token, grants: [{ role: 'admin' }] as const, expiresAt: undefined };
  for (const id of ids) {
    const { expiresAt: _, ...record } = { ...lasting, id };
    await store.insert(record);
  }
  const revoked = await Promise.all(ids.map((id) => store.revoke(id, daysFrom(start, 1), keeping)));
  assert.equal(revoked.filter(Boolean).length, ids.length - 1);
  const live = (await store.list()).filter(({ revokedAt }) => revokedAt === undefined);
  assert.equal(live.length, 1);
});

test('only a lasting administrator counts, and only a live administrator has to stay', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createTokenStore(db);
  const at = daysFrom(start, 1);
  const { expiresAt: _, ...lasting } = { ...token, id: 'lasting', grants: [{ role: 'admin' }] as const };
  await store.insert(lasting);
  await store.insert({ ...lasting, id: 'short', expiresAt: new Date(at.getTime() + 3_000) });
  await store.insert({ ...lasting, id: 'expired', expiresAt: at });
  await store.insert(token);
  assert.equal(await store.revoke('lasting', at, keeping), false);
  assert.equal(await store.revoke('short', at, keeping), true);
  assert.equal(await store.revoke('expired', at, keeping), true);
  assert.equal(await store.revoke(token.id, at, keeping), true);
  assert.equal(await store.revoke('lasting', at, any), true);
  assert.equal(await store.revoke('lasting', at, keeping), true);
});
