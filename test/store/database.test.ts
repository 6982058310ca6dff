import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Database, openDatabase } from '../../src/store/database.ts';
import { createTestDatabase, openTestDatabase, restartableDatabase } from '../support/database.ts';

const unavailable = { name: 'Fault', code: 'database-unavailable', retryAfterSeconds: 5 };

async function count(db: Database): Promise<number> {
  const [row] = await db.query<{ count: number }>({ text: 'select count(*)::int as count from t' });
  return row?.count ?? -1;
}

test('an outage is a Fault, ends no process, and is over when the server is back', async (t) => {
  const server = await restartableDatabase(t);
  const idleErrors: Error[] = [];
  const db = openDatabase({
    url: server.url,
    poolSize: 4,
    statementTimeoutMs: 5_000,
    connectTimeoutMs: 2_000,
    onIdleError: (error) => idleErrors.push(error),
  });
  t.after(() => db.close());
  await Promise.all([db.ping(), db.ping(), db.ping()]);
  const cut = assert.rejects(db.query({ text: 'select pg_sleep(60)' }), unavailable);
  const inTransaction = assert.rejects(
    db.transaction((tx) => tx.query({ text: 'select pg_sleep(60)' })),
    unavailable,
  );
  await server.stop();
  await Promise.all([cut, inTransaction]);
  await assert.rejects(db.ping(), unavailable);
  await assert.rejects(
    db.transaction(async () => undefined),
    unavailable,
  );
  assert.ok(idleErrors.length > 0);
  await server.start();
  await db.ping();
});

test('what nobody listens on, and a wrong password, are outages', async (t) => {
  const { url } = await createTestDatabase(t);
  const wrong = new URL(url);
  wrong.password = 'wrong';
  for (const each of [
    'postgresql://nobody@127.0.0.1:1/none',
    'postgresql:///x?host=/nonexistent',
    wrong.href,
  ]) {
    const db = openTestDatabase(each);
    t.after(() => db.close());
    await assert.rejects(db.ping(), unavailable);
  }
});

test('a statement over its time is an outage, and the pool goes on', async (t) => {
  const { url } = await createTestDatabase(t);
  const db = openDatabase({
    url,
    poolSize: 1,
    statementTimeoutMs: 1_000,
    connectTimeoutMs: 10_000,
    onIdleError: () => undefined,
  });
  t.after(() => db.close());
  await assert.rejects(db.query({ text: 'select pg_sleep(60)' }), unavailable);
  await db.ping();
});

test('a pool that is used up is an outage for those who wait too long', async (t) => {
  const { url } = await createTestDatabase(t);
  const db = openDatabase({
    url,
    poolSize: 1,
    statementTimeoutMs: 10_000,
    connectTimeoutMs: 2_000,
    onIdleError: () => undefined,
  });
  t.after(() => db.close());
  await db.transaction(async () => {
    await assert.rejects(db.ping(), unavailable);
  });
  await db.ping();
});

test('an error of the statement itself is left as it is, and the connection stays', async (t) => {
  const { url } = await createTestDatabase(t);
  const db = openDatabase({
    url,
    poolSize: 1,
    statementTimeoutMs: 10_000,
    connectTimeoutMs: 1_000,
    onIdleError: () => undefined,
  });
  t.after(() => db.close());
  const pid = async () =>
    (await db.query<{ pid: number }>({ text: 'select pg_backend_pid() as pid' }))[0]?.pid;
  const before = await pid();
  await assert.rejects(db.query({ text: 'select 1/0' }), { code: '22012' });
  await assert.rejects(
    db.transaction((tx) => tx.query({ text: 'select nonsense' })),
    { code: '42703' },
  );
  assert.equal(await pid(), before);
});

test('a transaction commits as a whole or not at all', async (t) => {
  const { db } = await createTestDatabase(t);
  await db.query({ text: 'create table t (x int primary key)' });
  const result = await db.transaction(async (tx) => {
    await tx.query({ text: 'insert into t values (1)' });
    assert.equal(await count(db), 0);
    return 'done';
  });
  assert.equal(result, 'done');
  await assert.rejects(
    db.transaction(async (tx) => {
      await tx.query({ text: 'insert into t values (2)' });
      throw new Error('changed my mind');
    }),
    /changed my mind/,
  );
  assert.equal(await count(db), 1);
});

test('a transaction that overlooked an error is not taken for committed', async (t) => {
  const { db } = await createTestDatabase(t);
  await db.query({ text: 'create table t (x int primary key)' });
  await assert.rejects(
    db.transaction(async (tx) => {
      await tx.query({ text: 'insert into t values (1)' });
      await tx.query({ text: 'insert into t values (1)' }).catch(() => undefined);
    }),
    { code: '23505' },
  );
  assert.equal(await count(db), 0);
});

test('repeatable read sees one state of the data', async (t) => {
  const { db } = await createTestDatabase(t);
  await db.query({ text: 'create table t (x int)' });
  const seen = async (isolation: 'read committed' | 'repeatable read') =>
    db.transaction(
      async (tx) => {
        const look = async () =>
          (await tx.query<{ n: number }>({ text: 'select count(*)::int as n from t' }))[0]?.n;
        const before = await look();
        await db.query({ text: 'insert into t values (1)' });
        return (await look()) === before;
      },
      { isolation },
    );
  assert.equal(await seen('repeatable read'), true);
  assert.equal(await seen('read committed'), false);
});

test('an advisory lock has one holder at a time, and is free again after a failure', async (t) => {
  const { url, db } = await createTestDatabase(t);
  const other = openTestDatabase(url);
  t.after(() => other.close());
  let inside = 0;
  const work = async (): Promise<void> => {
    assert.equal(++inside, 1);
    await sleep(5);
    inside--;
  };
  await Promise.all(
    Array.from({ length: 8 }, (_, index) => (index % 2 === 0 ? db : other).withAdvisoryLock('key', work)),
  );
  await assert.rejects(
    db.withAdvisoryLock('key', async () => {
      throw new Error('failed inside');
    }),
    /failed inside/,
  );
  await other.withAdvisoryLock('key', () => db.withAdvisoryLock('another key', work));
});

test('the lock of a holder whose connection broke goes to the next', async (t) => {
  const { db } = await createTestDatabase(t);
  await assert.rejects(
    db.withAdvisoryLock('key', async (session) => {
      const [row] = await session.query<{ pid: number }>({ text: 'select pg_backend_pid() as pid' });
      await db.query({ text: 'select pg_terminate_backend($1)', values: [row?.pid] });
      await db.withAdvisoryLock('key', async () => undefined);
      await session.query({ text: 'select 1' });
    }),
    unavailable,
  );
});

test('a role set to lose commits in a crash is overruled', async (t) => {
  const { url, db } = await createTestDatabase(t);
  await db.query({
    text: "do $$ begin execute format('alter database %I set synchronous_commit = off', current_database()); end $$",
  });
  const fresh = openTestDatabase(url);
  t.after(() => fresh.close());
  const [row] = await fresh.query<{ synchronous_commit: string }>({ text: 'show synchronous_commit' });
  assert.equal(row?.synchronous_commit, 'on');
});
