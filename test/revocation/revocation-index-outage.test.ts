import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Database } from '../../src/store/database.ts';
import {
  createRevocationChangesReader,
  type RevocationChangesReader,
  type RevocationHead,
} from '../../src/store/revocation-changes-reader.ts';
import { createTestDatabase, openTestDatabase, restartableDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { startPostgresProxy } from '../support/tcp-proxy.ts';
import { anHour, openIndex, revokeNew, type TestIndex } from './revocation-indexes.ts';

const ca = 'internal-ca';

/** What the database loses in a restore: everything after its first change. */
const restore = {
  text: `with gone as (delete from revocation_changes where position > 1 returning change_id), lost as (
      delete from revocations using gone where revocations.change_id = gone.change_id
    ) update revocation_head set position = 1`,
};

test('while the database is away what is known stays in force, and its age tells', async (t) => {
  const server = await restartableDatabase(t);
  const before = await revokeNew(server.db);
  const { index, failures, loads, recoveries } = openIndex(t, server.db);
  await index.start();
  await server.stop();
  await eventually(() => assert.ok(failures.length > 1));
  const age = index.ageMs();
  await eventually(() => assert.ok(index.ageMs() > age));
  assert.equal(index.lookup(ca, before)?.reason, 'superseded');
  assert.deepEqual([index.size, index.position], [1, 1n]);
  await server.start();
  const after = await eventually(() => revokeNew(server.db));
  await eventually(() => assert.ok(index.lookup(ca, after)));
  assert.ok(index.lookup(ca, before));
  assert.deepEqual([loads(), recoveries()], [2, 1], 'another start of the server: all is read');
});

test('a connection that falls silent is given up, and the index goes on with the next one', async (t) => {
  const { url, db } = await createTestDatabase(t);
  const proxy = await startPostgresProxy(t, url);
  const through = openTestDatabase(proxy.url, { statementTimeoutMs: 200 });
  const { index, failures, recoveries } = openIndex(t, through);
  t.after(() => through.close());
  await index.start();
  proxy.silence();
  const serial = await revokeNew(db);
  await eventually(() => assert.equal(failures.length, 1));
  assert.ok(index.ageMs() > 200);
  proxy.resume();
  await eventually(() => assert.ok(index.lookup(ca, serial)));
  assert.equal(recoveries(), 1);
});

test('a position that went back is a restore: all is read, and what was lost is lost', async (t) => {
  const { db } = await createTestDatabase(t);
  const kept = await revokeNew(db);
  const lost = await revokeNew(db);
  const { index, changes } = openIndex(t, db);
  await index.start();
  assert.equal(index.size, 2);
  await db.query(restore);
  await eventually(() => assert.equal(index.position, 1n));
  assert.deepEqual([index.lookup(ca, lost), index.lookup(ca, kept)?.reason], [undefined, 'superseded']);
  assert.deepEqual(changes, [{ kind: 'reloaded' }, { kind: 'reloaded' }]);
});

test('a table that was made anew is another one, though it stands at a later position', async (t) => {
  const { db } = await createTestDatabase(t);
  await revokeNew(db);
  const lost = await revokeNew(db);
  const { index, loads } = openIndex(t, db, { pollMs: anHour });
  await index.start();
  await db.query(restore);
  await db.transaction(async (tx) => {
    await tx.query({ text: 'alter table revocation_head rename to old_head' });
    await tx.query({ text: 'create table revocation_head (like old_head including all)' });
    await tx.query({ text: 'insert into revocation_head select * from old_head' });
  });
  const later = [await revokeNew(db), await revokeNew(db)];
  index.wake();
  await eventually(() => assert.equal(index.position, 3n));
  assert.deepEqual([index.size, index.lookup(ca, lost), loads()], [3, undefined, 2]);
  for (const serial of later) assert.ok(index.lookup(ca, serial));
});

/** A reader whose answers can be spoilt. */
function spoilt(db: Database): RevocationChangesReader & {
  origin: string | undefined;
  failAfterPages: number;
  hold: Promise<void>;
} {
  const reader = createRevocationChangesReader(db);
  const said = (head: RevocationHead): RevocationHead => ({ ...head, origin: self.origin ?? head.origin });
  const self = {
    origin: undefined as string | undefined,
    failAfterPages: Number.POSITIVE_INFINITY,
    hold: Promise.resolve(),
    head: () => reader.head(),
    async readAll(since: Date, take: Parameters<RevocationChangesReader['readAll']>[1]) {
      const head = await reader.readAll(since, take);
      await self.hold;
      return head;
    },
    async readChanges(after: bigint, take: Parameters<RevocationChangesReader['readChanges']>[1]) {
      return said(
        await reader.readChanges(after, (page) => {
          if (self.failAfterPages-- <= 0) throw new Error('the connection broke');
          take(page);
        }),
      );
    },
  };
  return self;
}

async function startSpoilt(t: TestContext, db: Database): Promise<TestIndex & ReturnTypeOfSpoilt> {
  const reader = spoilt(db);
  const opened = openIndex(t, db, { reader, pollMs: anHour });
  await opened.index.start();
  return { ...opened, reader };
}

interface ReturnTypeOfSpoilt {
  readonly reader: ReturnType<typeof spoilt>;
}

test('what could be read only in part is known, and the rest comes with the next look', async (t) => {
  const { db } = await createTestDatabase(t);
  const { index, reader, failures } = await startSpoilt(t, db);
  // One page for each authority.
  const serials = [await revokeNew(db), await revokeNew(db, { authority: 'other' })];
  reader.failAfterPages = 1;
  index.wake();
  await eventually(() => assert.equal(failures.length, 1));
  assert.deepEqual([index.size, index.position], [1, 0n], 'nothing is said of what is not complete');
  reader.failAfterPages = Number.POSITIVE_INFINITY;
  index.wake();
  await eventually(() => assert.equal(index.position, 2n));
  assert.ok(index.lookup(ca, serials[0] ?? '') && index.lookup('other', serials[1] ?? ''));
});

test('changes that another server told of are not taken for changes of this one', async (t) => {
  const { db } = await createTestDatabase(t);
  const { index, reader, loads } = await startSpoilt(t, db);
  reader.origin = 'another';
  const serial = await revokeNew(db);
  index.wake();
  await eventually(() => assert.equal(loads(), 2));
  assert.ok(index.lookup(ca, serial));
});

test('while everything is read anew the answers of before are given, and their age grows', async (t) => {
  const { db } = await createTestDatabase(t);
  const kept = await revokeNew(db);
  const lost = await revokeNew(db);
  const { index, reader, loads } = await startSpoilt(t, db);
  let release = (): void => undefined;
  reader.hold = new Promise((resolve) => {
    release = resolve;
  });
  await db.query(restore);
  index.wake();
  const age = index.ageMs();
  await eventually(() => assert.ok(index.ageMs() > age + 100));
  assert.deepEqual([index.size, index.position, loads()], [2, 2n, 1]);
  assert.ok(index.lookup(ca, kept) && index.lookup(ca, lost));
  release();
  await eventually(() => assert.equal(loads(), 2));
  assert.deepEqual([index.size, index.position], [1, 1n]);
  assert.ok(index.lookup(ca, kept));
});

test('what is known is as old as the question was when it was asked, not as its answer', async (t) => {
  const { db } = await createTestDatabase(t);
  const real = createRevocationChangesReader(db);
  let now = 0;
  const slowly =
    <Args extends unknown[]>(read: (...args: Args) => Promise<RevocationHead>) =>
    async (...args: Args) => {
      const head = await read(...args);
      now += 1_000;
      return head;
    };
  const reader = {
    head: slowly(real.head),
    readAll: slowly(real.readAll),
    readChanges: slowly(real.readChanges),
  };
  const { index } = openIndex(t, db, { reader, pollMs: anHour, monotonic: () => now });
  await index.start();
  assert.equal(index.ageMs(), 1_000);
  const serial = await revokeNew(db);
  index.wake();
  await eventually(() => assert.equal(index.position, 1n));
  assert.ok(index.lookup(ca, serial));
  assert.equal(index.ageMs(), 2_000, 'the head and the changes');
  index.wake();
  await eventually(() => assert.equal(index.ageMs(), 1_000, 'the head alone'));
});

test('a first reading that fails is told, and nothing follows', async (t) => {
  const db = openTestDatabase('postgresql://nobody:nothing@127.0.0.1:1/none');
  t.after(() => db.close());
  const { index, failures } = openIndex(t, db);
  await assert.rejects(index.start(), { code: 'database-unavailable' });
  assert.deepEqual([index.ageMs(), failures], [Number.POSITIVE_INFINITY, []]);
});

test('after it was closed nothing is asked any more', async (t) => {
  const { db } = await createTestDatabase(t);
  const { index, reader } = await startSpoilt(t, db);
  let asked = 0;
  reader.head = async () => {
    asked += 1;
    return { position: 0n, origin: '' };
  };
  await index.close();
  index.wake();
  await index.close();
  assert.equal(asked, 0);
});
