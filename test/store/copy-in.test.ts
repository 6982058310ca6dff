import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { createTestDatabase, restartableDatabase } from '../support/database.ts';

const text = (lines: number): Buffer => Buffer.from(`x${randomBytes(40).toString('hex')}\n`.repeat(lines));

test('the chunks arrive whole and in order, more of them than a connection holds', async (t) => {
  const { db } = await createTestDatabase(t);
  const chunks = Array.from({ length: 40 }, () => text(5_000));
  await db.query({ text: 'create table copied (at bigint generated always as identity, line text)' });
  const line = await db.transaction(async (tx) => {
    await tx.copyIn('copy copied (line) from stdin', chunks);
    const [row] = await tx.query<{ all: string }>({
      text: `select encode(sha256(string_agg(line || E'\\n', '' order by at)::bytea), 'hex') as all from copied`,
    });
    return row?.all;
  });
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  assert.equal(line, hash.digest('hex'));
});

test('others get their turn between chunks, also where the kernel takes each at once', async (t) => {
  const { db } = await createTestDatabase(t);
  await db.query({ text: 'create table copied (line text)' });
  let turns = 0;
  let counting = true;
  const count = (): void => {
    turns += 1;
    if (counting) setImmediate(count);
  };
  await db.transaction(async (tx) => {
    count();
    await tx.copyIn(
      'copy copied from stdin',
      Array.from({ length: 500 }, () => text(1)),
    );
    counting = false;
  });
  assert.ok(turns >= 500, `${turns} turns`);
});

test('what the server refuses is an error of the server, and the connection goes on', async (t) => {
  const { db } = await createTestDatabase(t);
  await db.query({ text: 'create table copied (number integer)' });
  for (const chunks of [[Buffer.from('none\n')], Array.from({ length: 200 }, () => text(5_000))])
    await assert.rejects(
      db.transaction((tx) => tx.copyIn('copy copied from stdin', chunks)),
      { code: '22P02' },
    );
  await assert.rejects(
    db.transaction((tx) => tx.copyIn('copy nothing from stdin', [])),
    { code: '42P01' },
  );
  assert.deepEqual(await db.query({ text: 'select count(*)::int as count from copied' }), [{ count: 0 }]);
});

test('chunks that cannot be had leave nothing behind', async (t) => {
  const { db } = await createTestDatabase(t);
  await db.query({ text: 'create table copied (line text)' });
  function* broken(): Generator<Buffer> {
    yield Buffer.from('first\n');
    throw new Error('no more');
  }
  await assert.rejects(
    db.transaction((tx) => tx.copyIn('copy copied from stdin', broken())),
    /no more/,
  );
  assert.deepEqual(await db.query({ text: 'select count(*)::int as count from copied' }), [{ count: 0 }]);
});

test('a server that goes away in the middle is an outage', async (t) => {
  const database = await restartableDatabase(t);
  await database.db.query({ text: 'create table copied (line text)' });
  let stopping: Promise<void> | undefined;
  function* endless(): Generator<Buffer> {
    for (let chunk = 0; chunk < 20_000; chunk += 1) {
      if (chunk === 20) stopping = database.stop();
      yield text(5_000);
    }
  }
  await assert.rejects(
    database.db.transaction((tx) => tx.copyIn('copy copied from stdin', endless())),
    { code: 'database-unavailable' },
  );
  await stopping;
  await database.start();
  assert.deepEqual(await database.db.query({ text: 'select count(*)::int as count from copied' }), [
    { count: 0 },
  ]);
});
