import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { Term } from '../../src/leadership/leadership.ts';
import { createCrlStore } from '../../src/store/crls.ts';
import type { Database, Queryable } from '../../src/store/database.ts';
import { createLeadershipStore, NotLeading } from '../../src/store/leadership.ts';
import { beginTerm } from '../support/leadership.ts';
import { anyTime, buildAt, openStores, revokeOne, type Stores, serialsOf } from './crl-stores.ts';
import { start } from './records.ts';

/** Only the leader of the present term gives out a CRL, and nobody who stands still keeps it from doing so. */

/** The next leader takes over. */
const beginAnother = ({ db }: Stores): Promise<Term> => beginTerm(db);

test('a leader that was replaced cannot begin a CRL', async (t) => {
  const stores = await openStores(t);
  await beginAnother(stores);
  let worked = false;
  const build = stores.crls.build('internal-ca', anyTime, async (session) => {
    worked = true;
    return buildAt(start)(session);
  });
  await assert.rejects(build, NotLeading);
  assert.equal(worked, false);
});

test('a leader that is replaced during a build gives out no number, and its revocations wait for the next CRL', async (t) => {
  const stores = await openStores(t);
  const serial = await revokeOne(stores);
  let next: Term | undefined;
  const build = stores.crls.build('internal-ca', anyTime, async (session) => {
    const built = await buildAt(start)(session);
    next = await beginAnother(stores);
    return built;
  });
  await assert.rejects(build, NotLeading);
  assert.equal(await stores.crls.latest('internal-ca'), undefined);
  assert.equal((await stores.revocations.pending('internal-ca')).count, 1);
  const { epoch } = next ?? assert.fail('nobody took over');
  const built = await createCrlStore(stores.db).build('internal-ca', { ...anyTime, epoch }, buildAt(start));
  assert.equal(built?.number, 1n);
  assert.deepEqual(await serialsOf(stores.crls), [serial]);
});

test('a renewal during a build does not disturb it', async (t) => {
  const stores = await openStores(t);
  const leadership = createLeadershipStore(stores.db);
  const built = await stores.crls.build('internal-ca', anyTime, async (session) => {
    assert.equal(await leadership.renew('test', stores.crls.epoch), true);
    return buildAt(start)(session);
  });
  assert.equal(built?.number, 1n);
});

test('a leader of before that stands still with the lock does not keep the next one from building', async (t) => {
  const stores = await openStores(t);
  const ended = new AbortController();
  const standing = Promise.withResolvers<void>();
  // Between the lock and the beginning of the transaction no timeout of the server ends it.
  const frozen = stores.db
    .withAdvisoryLock('internal-ca/crl/internal-ca', async (session) => {
      standing.resolve();
      await once(ended.signal, 'abort');
      await session.query({ text: 'select 1' });
    })
    .then(
      () => 'went on',
      () => 'lost its connection',
    );
  await standing.promise;
  const { epoch } = await beginAnother(stores);
  try {
    const built = await createCrlStore(stores.db).build('internal-ca', { ...anyTime, epoch }, buildAt(start));
    assert.equal(built?.number, 1n);
  } finally {
    ended.abort();
  }
  assert.equal(await frozen, 'lost its connection');
});

test('a leader of before does not dismiss the one that builds now', async (t) => {
  const stores = await openStores(t);
  const building = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  t.after(() => gate.resolve());
  const { epoch } = await beginAnother(stores);
  const present = createCrlStore(stores.db).build('internal-ca', { ...anyTime, epoch }, async (session) => {
    building.resolve();
    await gate.promise;
    return buildAt(start)(session);
  });
  await building.promise;
  await assert.rejects(stores.crls.build('internal-ca', anyTime, buildAt(start)), NotLeading);
  gate.resolve();
  assert.equal((await present)?.number, 1n);
});

test('a leader that stands still between its last look and the end gives out nothing, and holds nobody up', {
  timeout: 60_000,
}, async (t) => {
  const stores = await openStores(t);
  const standing = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  t.after(() => ended.resolve());
  const frozen = createCrlStore(
    beforeCommit(stores.db, async (tx) => {
      // Nobody can lead meanwhile, so it is less than what the rest of a build is given.
      assert.deepEqual(await tx.query({ text: 'show idle_in_transaction_session_timeout' }), [
        { idle_in_transaction_session_timeout: '2s' },
      ]);
      standing.resolve();
      await ended.promise;
    }),
  ).build('internal-ca', { ...anyTime, epoch: stores.crls.epoch }, buildAt(start));
  const outcome = assert.rejects(frozen);
  await Promise.race([standing.promise, frozen]);
  const { epoch } = await beginAnother(stores);
  ended.resolve();
  await outcome;
  const built = await createCrlStore(stores.db).build('internal-ca', { ...anyTime, epoch }, buildAt(start));
  assert.equal(built?.number, 1n);
});

/** The same database, whose transactions under a lock stand still when only their COMMIT is left. */
function beforeCommit(db: Database, stand: (tx: Queryable) => Promise<void>): Database {
  return {
    ...db,
    withAdvisoryLock: (key, work, options) =>
      db.withAdvisoryLock(
        key,
        (session) =>
          work({
            ...session,
            transaction: (inside, settings) =>
              session.transaction(async (tx) => {
                const result = await inside(tx);
                await stand(tx);
                return result;
              }, settings),
          }),
        options,
      ),
  };
}
