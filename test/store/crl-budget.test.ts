import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCrlBudgetStore } from '../../src/store/crl-budget.ts';
import { createTestDatabase } from '../support/database.ts';

const at = new Date('2026-11-24T00:00:00Z');

test('a leader that was replaced decides no more, and takes no CRL back into a copy', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createCrlBudgetStore(db);
  await store.setStage('online', at, 5n);
  assert.equal(await store.leaveOut(['shop'], at, 0n), true);
  await store.setStage('returning', at, 4n);
  assert.deepEqual(await store.read(), { stage: 'online', since: at, withoutCrl: ['shop'], revision: 0n });
  await store.setStage('returning', at, 5n);
  assert.deepEqual(await store.read(), { stage: 'returning', since: at, withoutCrl: [], revision: 0n });
});

test('a CRL leaves no copy but in the stage that is for it', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createCrlBudgetStore(db);
  assert.equal(await store.leaveOut(['shop'], at, 0n), false);
  await store.setStage('compact', at, 1n);
  assert.equal(await store.leaveOut(['shop'], at, 0n), false);
  assert.deepEqual((await store.read()).withoutCrl, []);
});

test('who looked before a copy was put back takes no CRL away by what he saw', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createCrlBudgetStore(db);
  await store.setStage('online', at, 1n);
  const { revision } = await store.read();
  // It has its CRL all the while, and is to keep it.
  await store.putBack(['shop']);
  assert.equal(await store.leaveOut(['shop', 'other'], at, revision), false);
  const now = await store.read();
  assert.deepEqual(now.withoutCrl, []);
  assert.equal(await store.leaveOut(['other'], at, now.revision), true);
  assert.deepEqual((await store.read()).withoutCrl, ['other']);
});

test('of a copy that is put back and left out in the same moment the CRL stays, whoever is first', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createCrlBudgetStore(db);
  await store.setStage('online', at, 1n);
  for (let round = 0; round < 50; round++) {
    const { revision } = await store.read();
    const both = [() => store.putBack(['shop']), () => store.leaveOut(['shop'], at, revision)];
    await Promise.all((round % 2 === 0 ? both : both.toReversed()).map((act) => act()));
    assert.deepEqual((await store.read()).withoutCrl, [], `round ${round}`);
  }
});
