import assert from 'node:assert/strict';
import { test } from 'node:test';
import type pg from 'pg';
import { Fault } from '../../src/fault.ts';
import type { BulkRevokeRequest } from '../../src/revocation/bulk-revocation.ts';
import { createRevocationService } from '../../src/revocation/revocation-service.ts';
import { createBulkRevocationStore } from '../../src/store/bulk-revocation.ts';
import type { Database, Statement } from '../../src/store/database.ts';
import { createRevocationStore } from '../../src/store/revocations.ts';
import { benchOn, revocationBench } from './revocation-bench.ts';

/** What others do between two statements of ours. */

const requester = 'token:s';
const bulkOfA: BulkRevokeRequest = {
  filter: { requester: 'token:a' },
  all: false,
  reason: 'privilegeWithdrawn',
  dryRun: false,
  requester: 'token:r',
};

interface Meanwhile {
  readonly before?: () => Promise<unknown>;
  readonly after?: () => Promise<unknown>;
}

/** The same database, where this happens once, around the first insert of a bulk. */
function around(db: Database, { before, after }: Meanwhile): Database {
  let isFirst = true;
  return {
    ...db,
    transaction: (work, options) =>
      db.transaction(
        (tx) =>
          work({
            ...tx,
            async query<Row extends pg.QueryResultRow>(statement: Statement) {
              const isIt = isFirst && statement.name === 'revocations-insert-many';
              if (isIt) {
                isFirst = false;
                await before?.();
              }
              const rows = await tx.query<Row>(statement);
              if (isIt) await after?.();
              return rows;
            },
          }),
        options,
      ),
  };
}

test('a hold that is released while a bulk is at it is revoked with the others', async (t) => {
  const bench = await revocationBench(t);
  const serial = await bench.issue();
  await bench.revocation.revoke({ serial, reason: 'certificateHold', requester });
  const after = () => bench.revocation.release({ serial, requester });
  const outcome = await benchOn(around(bench.db, { after })).bulk.revokeMatching(bulkOfA);
  assert.equal(outcome.revoked, 1);
  assert.equal(await bench.reasonOf(serial), 'privilegeWithdrawn');
});

test('what comes on hold while a bulk is at it becomes final', async (t) => {
  const bench = await revocationBench(t);
  const serial = await bench.issue();
  bench.clock.advance(-60);
  const before = () => bench.revocation.revoke({ serial, reason: 'certificateHold', requester });
  const outcome = await benchOn(around(bench.db, { before })).bulk.revokeMatching(bulkOfA);
  assert.equal(outcome.revoked, 1);
  const { revocation } = (await bench.certificates.findBySerial(serial)) ?? {};
  assert.deepEqual(
    [revocation?.reason, revocation?.revokedAt],
    ['privilegeWithdrawn', new Date(bench.clock.now())],
  );
});

test('what is revoked for good while a bulk is at it keeps its reason, and is not counted', async (t) => {
  const bench = await revocationBench(t);
  const [serial, other] = [await bench.issue(), await bench.issue()];
  const before = () => bench.revocation.revoke({ serial, reason: 'superseded', requester });
  const outcome = await benchOn(around(bench.db, { before })).bulk.revokeMatching(bulkOfA);
  assert.deepEqual([outcome.matched, outcome.alreadyRevoked, outcome.revoked], [2, 0, 1]);
  assert.equal(await bench.reasonOf(serial), 'superseded');
  assert.equal(await bench.reasonOf(other), 'privilegeWithdrawn');
});

test('a deadlock with somebody else is tried again, as a whole', async (t) => {
  const bench = await revocationBench(t);
  const serials = await Promise.all([bench.issue(), bench.issue()]);
  const victim = () =>
    bench.db.query({ text: `do $$ begin raise exception 'deadlock' using errcode = '40P01'; end $$` });
  const replica = benchOn(around(bench.db, { after: victim }));
  assert.equal((await replica.bulk.revokeMatching(bulkOfA)).revoked, 2);
  for (const serial of serials) assert.equal(await bench.reasonOf(serial), 'privilegeWithdrawn');
  assert.equal(replica.notified.length, 1);
});

test('a revocation that meets a release in the same moment is tried again', async (t) => {
  const bench = await revocationBench(t);
  const serial = await bench.issue();
  const store = createRevocationStore(bench.db);
  let attempts = 0;
  const service = createRevocationService({
    ...bench,
    bulk: createBulkRevocationStore(bench.db),
    revocations: {
      ...store,
      async revoke(request) {
        attempts++;
        if (attempts === 1) throw new Fault('conflict', 'It is being changed');
        return await store.revoke(request);
      },
    },
    onRevoked: () => undefined,
  });
  assert.equal((await service.revoke({ serial, reason: 'superseded', requester })).revoked, 1);
  assert.equal(attempts, 2);
});

test('a hold that is released while it is made final is revoked anew', async (t) => {
  const bench = await revocationBench(t);
  const serial = await bench.issue();
  await bench.revocation.revoke({ serial, reason: 'certificateHold', requester });
  const store = createRevocationStore(bench.db);
  const service = createRevocationService({
    ...bench,
    bulk: createBulkRevocationStore(bench.db),
    revocations: {
      ...store,
      async updateReason(update) {
        await bench.revocation.release({ serial, requester });
        return await store.updateReason(update);
      },
    },
    onRevoked: () => undefined,
  });
  const outcome = await service.revoke({ serial, reason: 'superseded', requester });
  assert.deepEqual([outcome.reason, outcome.revoked], ['superseded', 1]);
  assert.equal(await bench.reasonOf(serial), 'superseded');
});
