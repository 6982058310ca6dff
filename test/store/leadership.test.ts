import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLeadershipStore, readEpoch } from '../../src/store/leadership.ts';
import { createTestDatabase, openTestDatabase } from '../support/database.ts';

const always = (): boolean => true;
const never = (): boolean => false;

test('the first claim makes the first term, whose number is a time', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createLeadershipStore(db);
  assert.equal(await store.read(), undefined);
  const before = Date.now();
  const claimed = await store.claim('a', 10_000, never);
  assert.ok(claimed);
  assert.equal(claimed.previous, undefined);
  assert.ok(Math.abs(Number(claimed.epoch) - before) < 60_000, 'milliseconds of the Unix time');
  const record = await store.read();
  assert.deepEqual([record?.epoch, record?.holder, record?.leaseMs], [claimed.epoch, 'a', 10_000]);
});

test('of many that claim the first term at once one gets it', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createLeadershipStore(db);
  const claims = await Promise.all(
    Array.from({ length: 8 }, (_, index) => store.claim(`candidate-${index}`, 10_000, never)),
  );
  assert.equal(claims.filter((claim) => claim !== undefined).length, 1);
});

test('of many that would take over what they have seen one does', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createLeadershipStore(db);
  const first = await store.claim('a', 10_000, never);
  const claims = await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      store.claim(`candidate-${index}`, 10_000, (present) => present.epoch === first?.epoch),
    ),
  );
  const successful = claims.filter((claim) => claim !== undefined);
  assert.equal(successful.length, 1);
  assert.deepEqual([successful[0]?.previous?.epoch, successful[0]?.previous?.holder], [first?.epoch, 'a']);
  assert.ok((successful[0]?.epoch ?? 0n) > (first?.epoch ?? 0n));
});

test('a claim that is refused changes nothing', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createLeadershipStore(db);
  const first = await store.claim('a', 10_000, never);
  const before = await store.read();
  assert.equal(await store.claim('b', 5_000, never), undefined);
  const after = await store.read();
  assert.deepEqual([after?.epoch, after?.holder, after?.renewal], [first?.epoch, 'a', before?.renewal]);
});

test('only the holder of the present term renews, and each renewal shows', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createLeadershipStore(db);
  const first = await store.claim('a', 10_000, never);
  assert.ok(first);
  const before = await store.read();
  assert.equal(await store.renew('a', first.epoch), true);
  assert.notEqual((await store.read())?.renewal, before?.renewal);
  assert.equal(await store.renew('b', first.epoch), false);
  assert.equal(await store.renew('a', first.epoch - 1n), false);
  const second = await store.claim('b', 10_000, always);
  assert.equal(await store.renew('a', first.epoch), false);
  assert.equal(await store.renew('b', second?.epoch ?? 0n), true);
});

test('who gives up leaves the epoch, and gives up nobody else’s', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createLeadershipStore(db);
  const first = await store.claim('a', 10_000, never);
  await store.release('b');
  assert.equal((await store.read())?.holder, 'a');
  await store.release('a');
  const record = await store.read();
  assert.deepEqual([record?.epoch, record?.holder], [first?.epoch, undefined]);
  assert.equal(await store.renew('a', first?.epoch ?? 0n), false);
});

test('a database of before has given out no epoch that comes again', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createLeadershipStore(db);
  const backup = await store.claim('a', 10_000, never);
  let last = backup;
  for (let terms = 0; terms < 5; terms++) last = await store.claim('b', 10_000, always);
  await db.query({ text: 'update leadership set epoch = $1', values: [backup?.epoch] });
  await new Promise((resolve) => setTimeout(resolve, 20));
  const restored = await store.claim('c', 10_000, always);
  assert.ok((restored?.epoch ?? 0n) > (last?.epoch ?? 0n));
});

test('a renewal that meets a claim in progress waits for it, and is refused when the term is over', async (t) => {
  const { db, url } = await createTestDatabase(t);
  const other = openTestDatabase(url);
  t.after(() => other.close());
  const store = createLeadershipStore(db);
  const first = await store.claim('a', 10_000, never);
  const decided = Promise.withResolvers<void>();
  const claim = other.transaction(async (tx) => {
    const inside = createLeadershipStore({ ...other, transaction: (work) => work(tx) });
    const claimed = await inside.claim('b', 10_000, always);
    decided.resolve();
    // The renewal has begun by now, and cannot be answered before the commit.
    await new Promise((resolve) => setTimeout(resolve, 200));
    return claimed;
  });
  await decided.promise;
  assert.equal(await store.renew('a', first?.epoch ?? 0n), false);
  assert.ok(await claim);
});

test('an epoch that was looked up with a lock stays until the transaction ends', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createLeadershipStore(db);
  const first = await store.claim('a', 10_000, never);
  let claimed = false;
  let claim: Promise<unknown> = Promise.resolve();
  await db.transaction(async (tx) => {
    assert.equal(await readEpoch(tx, { lock: true }), first?.epoch);
    claim = store.claim('b', 10_000, always).then(() => {
      claimed = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(claimed, false);
  });
  await claim;
  assert.equal(claimed, true);
});
