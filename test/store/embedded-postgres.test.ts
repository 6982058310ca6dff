import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../src/store/embedded-postgres.ts';
import { restartableDatabase } from '../support/database.ts';
import { silentLog, temporaryDataDirectory } from '../support/postgres-server.ts';
import { skipUnless } from '../support/skip.ts';

const ownerScript = fileURLToPath(new URL('../support/embedded-owner.ts', import.meta.url));

async function dataDirectory(t: TestContext): Promise<string> {
  const directory = await temporaryDataDirectory();
  t.after(() => rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
  return directory;
}

interface Owner {
  readonly child: ChildProcess;
  readonly lines: string[];
  /** The rest of the first line, past or future, that begins with `word`. */
  said(word: string): Promise<string>;
}

function startOwner(t: TestContext, directory: string): Owner {
  const child = spawn(process.execPath, [ownerScript, directory], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => lines.push(line));
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });
  return {
    child,
    lines,
    async said(word) {
      for (;;) {
        const line = lines.find((candidate) => candidate.startsWith(`${word} `) || candidate === word);
        if (line !== undefined) return line.slice(word.length + 1);
        await once(reader, 'line');
      }
    },
  };
}

async function postmasterPid(directory: string): Promise<number> {
  const text = await readFile(join(directory, 'postgres', 'data', 'postmaster.pid'), 'utf8');
  return Number(text.split('\n')[0]);
}

async function untilGone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await sleep(10);
  }
}

async function queryOnce(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

test('data outlives an orderly stop, after which there is nothing to recover', async (t) => {
  const directory = await dataDirectory(t);
  const first = await startEmbeddedPostgres({ dataDirectory: directory, log: silentLog });
  await queryOnce(first.url, 'create table kept as select 42 as answer');
  await first.stop();
  const lines: string[] = [];
  const log = { info: (line: string) => lines.push(line), warn: (line: string) => lines.push(line) };
  const second = await startEmbeddedPostgres({ dataDirectory: directory, log });
  t.after(() => second.stop());
  assert.equal(second.url, first.url);
  assert.deepEqual(await queryOnce(second.url, 'select answer from kept'), [{ answer: 42 }]);
  assert.ok(lines.some((line) => line.includes('database system was shut down at')));
  assert.ok(!lines.some((line) => line.includes('recovery')));
});

test('the server is durable, speaks UTF-8 whatever the locale, and takes nobody without the password', async (t) => {
  const { db, url, dataDirectory: directory } = await restartableDatabase(t);
  const [row] = await db.query({
    text: `select current_setting('fsync') as fsync, current_setting('full_page_writes') as pages,
      current_setting('synchronous_commit') as commit, current_setting('server_encoding') as encoding,
      current_setting('data_checksums') as checksums, current_setting('listen_addresses') as listening,
      lower('ÄÖ') as lower`,
  });
  assert.deepEqual(row, {
    fsync: 'on',
    pages: 'on',
    commit: 'on',
    encoding: 'UTF8',
    checksums: 'on',
    listening: '',
    lower: 'äö',
  });
  for (const name of ['password', 'data', '.']) {
    const { mode } = await stat(join(directory, 'postgres', name));
    assert.equal(mode & 0o077, 0, name);
  }
  const stranger = new URL(url);
  stranger.password = 'guess';
  await assert.rejects(queryOnce(stranger.href, 'select 1'), /password authentication failed/);
});

test('a directory too deep for a socket is served on the loopback interface', async (t) => {
  const directory = join(await dataDirectory(t), 'd'.repeat(100));
  const server = await startEmbeddedPostgres({ dataDirectory: directory, log: silentLog });
  t.after(() => server.stop());
  assert.equal(new URL(server.url).hostname, '127.0.0.1');
  assert.deepEqual(await queryOnce(server.url, "select current_setting('listen_addresses') as on"), [
    { on: '127.0.0.1' },
  ]);
});

test('a second process on the same DATA_DIR is refused in one line, and the first goes on', async (t) => {
  const directory = await dataDirectory(t);
  const first = startOwner(t, directory);
  const url = await first.said('ready');
  const second = startOwner(t, directory);
  const pid = await postmasterPid(directory);
  assert.equal(
    await second.said('refused'),
    `DATA_DIR ${directory} is in use by another internal-ca (its PostgreSQL is process ${pid}): stop that one, or set another DATA_DIR or DATABASE_URL`,
  );
  await queryOnce(url, 'select 1');
});

test('of three processes that start on an empty DATA_DIR at the same instant, one runs', async (t) => {
  const directory = await dataDirectory(t);
  const owners = [1, 2, 3].map(() => startOwner(t, directory));
  const fates = await Promise.all(
    owners.map((owner) => Promise.race([owner.said('ready'), owner.said('refused')])),
  );
  assert.equal(fates.filter((fate) => fate.startsWith('postgresql://')).length, 1);
  assert.equal(fates.filter((fate) => fate.includes('is in use by another')).length, 2);
});

test('kill -9 of the owner ends its server, and the next start has every commit', async (t) => {
  const directory = await dataDirectory(t);
  const first = startOwner(t, directory);
  const url = await first.said('ready');
  await queryOnce(url, 'create table kept as select 42 as answer');
  const pid = await postmasterPid(directory);
  first.child.kill('SIGKILL');
  // At once, while the old server may still be on its way out.
  const second = startOwner(t, directory);
  assert.deepEqual(await queryOnce(await second.said('ready'), 'select answer from kept'), [{ answer: 42 }]);
  await untilGone(pid);
});

test('a server that is killed is started again under the same URL', async (t) => {
  const { db, dataDirectory: directory } = await restartableDatabase(t);
  await db.query({ text: 'create table kept as select 42 as answer' });
  const pid = await postmasterPid(directory);
  process.kill(pid, 'SIGKILL');
  await untilGone(pid);
  let answer: unknown;
  while (answer === undefined) {
    [answer] = await db.query({ text: 'select answer from kept' }).catch((error: unknown) => {
      assert.equal(error instanceof Error && 'code' in error && error.code, 'database-unavailable');
      return sleep(20, []);
    });
  }
  assert.deepEqual(answer, { answer: 42 });
});

test('kill -9 of the owner and of its server together leaves nothing that needs a hand', async (t) => {
  const directory = await dataDirectory(t);
  const first = startOwner(t, directory);
  await queryOnce(await first.said('ready'), 'create table kept as select 42 as answer');
  const pid = await postmasterPid(directory);
  first.child.kill('SIGKILL');
  process.kill(pid, 'SIGKILL');
  const second = startOwner(t, directory);
  assert.deepEqual(await queryOnce(await second.said('ready'), 'select answer from kept'), [{ answer: 42 }]);
});

test('a postmaster.pid left behind that names a process of somebody else is no hindrance', async (t) => {
  if (skipUnless(t, 'flock')) return;
  const directory = await dataDirectory(t);
  const first = await startEmbeddedPostgres({ dataDirectory: directory, log: silentLog });
  const file = join(directory, 'postgres', 'data', 'postmaster.pid');
  const text = await readFile(file, 'utf8');
  await first.stop();
  // As after a pod was killed, in whose successor the number belongs to another process.
  await writeFile(file, text.replace(/^\d+/, String(process.pid)), { mode: 0o644 });
  const second = await startEmbeddedPostgres({ dataDirectory: directory, log: silentLog });
  await second.stop();
});

test('an owner that is done stops its server in order', async (t) => {
  const directory = await dataDirectory(t);
  const owner = startOwner(t, directory);
  await owner.said('ready');
  const pid = await postmasterPid(directory);
  owner.child.stdin?.end();
  await owner.said('stopped');
  await once(owner.child, 'exit');
  await untilGone(pid);
  assert.ok(owner.lines.some((line) => line.includes('database system is shut down')));
});

test('a cluster of another major version is refused with the reason', async (t) => {
  const directory = await dataDirectory(t);
  const server = await startEmbeddedPostgres({ dataDirectory: directory, log: silentLog });
  await server.stop();
  await writeFile(join(directory, 'postgres', 'data', 'PG_VERSION'), '17\n');
  await assert.rejects(startEmbeddedPostgres({ dataDirectory: directory, log: silentLog }), {
    name: 'EmbeddedPostgresError',
    message: 'The embedded PostgreSQL does not start: database files are incompatible with server',
  });
});

test('a DATA_DIR that is closed to others is served, for root too', async (t) => {
  const closed = join(await dataDirectory(t), 'closed');
  await mkdir(closed);
  await chmod(closed, 0o700);
  const directory = join(closed, 'data');
  const server = await startEmbeddedPostgres({ dataDirectory: directory, log: silentLog });
  t.after(() => server.stop());
  await queryOnce(server.url, 'select 1');
  assert.notEqual((await stat(join(directory, 'postgres', 'data'))).uid, 0);
});

test('a DATA_DIR that cannot be made is refused with the way out', async (t) => {
  const file = join(await dataDirectory(t), 'file');
  await writeFile(file, '');
  await assert.rejects(startEmbeddedPostgres({ dataDirectory: join(file, 'data'), log: silentLog }), {
    name: 'EmbeddedPostgresError',
    message:
      /^DATA_DIR .*\/file\/data cannot be used \(ENOTDIR: .*\): .*or set another DATA_DIR or DATABASE_URL$/,
  });
});
