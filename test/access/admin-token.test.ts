import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { bootstrapAdminToken } from '../../src/access/admin-token.ts';
import { createAuthenticator } from '../../src/access/authenticator.ts';
import { createTestClock } from '../support/clock.ts';
import { MemoryTokenStore } from './memory-token-store.ts';

async function setUp(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'admin-token-'));
  t.after(() => rm(directory, { recursive: true }));
  const store = new MemoryTokenStore();
  const clock = createTestClock();
  const path = join(directory, 'admin-token');
  return { directory, store, clock, path, options: { directory, store, clock } };
}

test('the first start writes a token that works, for its owner only, and nothing else', async (t) => {
  const { directory, store, clock, path, options } = await setUp(t);
  assert.deepEqual(await bootstrapAdminToken(options), { kind: 'written', path });
  const text = await readFile(path, 'utf8');
  assert.match(text, /^ica_first_[A-Za-z0-9_-]{43}\n$/);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(directory), ['admin-token']);
  const caller = await createAuthenticator({ store, clock }).authenticate(text.trim());
  assert.deepEqual(caller?.grants, [{ role: 'admin' }]);
});

test('the directory is made when it is not there', async (t) => {
  const { directory, options } = await setUp(t);
  const inner = join(directory, 'data');
  assert.equal((await bootstrapAdminToken({ ...options, directory: inner })).kind, 'written');
});

test('later starts leave the file and the row as they are', async (t) => {
  const { path, options } = await setUp(t);
  await bootstrapAdminToken(options);
  const before = await readFile(path, 'utf8');
  assert.deepEqual(await bootstrapAdminToken(options), { kind: 'present', path });
  assert.equal(await readFile(path, 'utf8'), before);
});

test('a start that was killed between file and row is finished by the next one', async (t) => {
  const { store, clock, path, options } = await setUp(t);
  await bootstrapAdminToken(options);
  store.records.clear();
  assert.equal((await bootstrapAdminToken(options)).kind, 'present');
  const token = (await readFile(path, 'utf8')).trim();
  assert.ok(await createAuthenticator({ store, clock }).authenticate(token));
});

test('several processes on one directory agree on one token', async (t) => {
  const { store, path, options } = await setUp(t);
  const outcomes = await Promise.all(Array.from({ length: 8 }, () => bootstrapAdminToken(options)));
  assert.equal(store.records.size, 1);
  assert.ok(outcomes.every(({ kind }) => kind === 'written' || kind === 'present'));
  assert.equal((await bootstrapAdminToken(options)).kind, 'present');
  assert.match(await readFile(path, 'utf8'), /^ica_first_/);
});

test('of several directories on one database one gets the token, the others no file', async (t) => {
  const first = await setUp(t);
  const second = await setUp(t);
  const race = await Promise.all([
    bootstrapAdminToken(first.options),
    bootstrapAdminToken({ ...second.options, store: first.store }),
  ]);
  assert.deepEqual(race.map(({ kind }) => kind).sort(), ['elsewhere', 'written']);
  const files = [...(await readdir(first.directory)), ...(await readdir(second.directory))];
  assert.deepEqual(files, ['admin-token']);
});

test('a vanished file is not made anew while the row stands, and is once the row is deleted', async (t) => {
  const { store, path, options } = await setUp(t);
  await bootstrapAdminToken(options);
  await rm(path);
  assert.deepEqual(await bootstrapAdminToken(options), { kind: 'elsewhere', path });
  await assert.rejects(stat(path), { code: 'ENOENT' });
  store.records.delete('first');
  assert.equal((await bootstrapAdminToken(options)).kind, 'written');
});

test('a token that was revoked and whose row was cleared away does not come back to life', async (t) => {
  const { store, clock, path, options } = await setUp(t);
  await bootstrapAdminToken(options);
  const [row] = store.records.values();
  assert.ok(row);
  store.records.clear();
  store.records.set('other', { ...row, id: 'other' });
  assert.equal((await bootstrapAdminToken(options)).kind, 'elsewhere');
  const token = (await readFile(path, 'utf8')).trim();
  assert.equal(await createAuthenticator({ store, clock }).authenticate(token), undefined);
});

test('ADMIN_TOKEN makes both needless', async (t) => {
  const { directory, store, options } = await setUp(t);
  assert.deepEqual(await bootstrapAdminToken({ ...options, adminToken: 'x'.repeat(32) }), {
    kind: 'configured',
  });
  assert.equal(store.records.size, 0);
  assert.deepEqual(await readdir(directory), []);
});

test('a file that holds no token stops the start and is left alone', async (t) => {
  const { path, options } = await setUp(t);
  await writeFile(path, 'hello\n');
  await chmod(path, 0o600);
  await assert.rejects(bootstrapAdminToken(options), /does not hold a token/);
  assert.equal(await readFile(path, 'utf8'), 'hello\n');
});
