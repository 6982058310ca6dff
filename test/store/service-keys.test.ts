import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serviceKey } from '../../src/store/service-keys.ts';
import { createTestDatabase } from '../support/database.ts';

const clock = { now: () => Date.parse('2026-01-01T00:00:00Z') };

test('whoever asks first makes the key, and all have the same one', async (t) => {
  const { db } = await createTestDatabase(t);
  const keys = await Promise.all(Array.from({ length: 8 }, () => serviceKey(db, clock, 'verify')));
  const [first] = keys;
  assert.equal(first?.length, 32);
  for (const key of keys) assert.deepEqual(key, first);
  assert.deepEqual(await serviceKey(db, clock, 'verify'), first);
  assert.notDeepEqual(await serviceKey(db, clock, 'another'), first);
});
