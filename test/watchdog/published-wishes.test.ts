import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPublishedWishes } from '../../src/watchdog/published-wishes.ts';

test('what the database says of the copies, and what it said last while it is away', async () => {
  const copies = [
    { target: 'secret:nowhere/internal-ca', state: 'Waiting' },
    { target: 'secret:shop/internal-ca', state: 'Failed' },
    { target: 'secret:blog/internal-ca', state: 'Current' },
  ];
  const database = { away: false };
  const wishes = createPublishedWishes({
    async enforced() {
      if (database.away) throw new Error('the database is away');
      return ['shop'];
    },
    budget: { read: async () => ({ withoutCrl: ['blog'] }) as never },
    publications: { list: async () => copies as never },
  });
  assert.deepEqual([wishes.enforced(), wishes.withoutCrl('blog')], [[], false]);
  const known = () => [
    wishes.enforced(),
    ['shop', 'blog', 'nowhere'].filter((namespace) => wishes.withoutCrl(namespace)),
    copies.map(({ target }) => target).filter((target) => wishes.cannotBe(target)),
  ];
  const all = [['shop'], ['blog'], ['secret:nowhere/internal-ca']];
  await wishes.refresh();
  assert.deepEqual(known(), all);
  database.away = true;
  await assert.rejects(wishes.refresh());
  assert.deepEqual(known(), all);
});
