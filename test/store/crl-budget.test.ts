import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCrlBudgetStore } from '../../src/store/crl-budget.ts';
import { createTestDatabase } from '../support/database.ts';

const at = new Date('2026-11-24T00:00:00Z');

test('a leader that was replaced decides no more, and takes no CRL back into a copy', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createCrlBudgetStore(db);
  await store.setStage('online', at, 5n);
  await store.leaveOut(['shop'], at);
  await store.setStage('returning', at, 4n);
  assert.deepEqual(await store.read(), { stage: 'online', since: at, withoutCrl: ['shop'] });
  await store.setStage('returning', at, 5n);
  assert.deepEqual(await store.read(), { stage: 'returning', since: at, withoutCrl: [] });
});

test('a CRL leaves no copy but in the stage that is for it', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createCrlBudgetStore(db);
  await store.leaveOut(['shop'], at);
  await store.setStage('compact', at, 1n);
  await store.leaveOut(['shop'], at);
  assert.deepEqual((await store.read()).withoutCrl, []);
});
