import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { createFileKeyStore } from '../../src/keys/file-key-store.ts';

async function directory(t: test.TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'keys-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return join(path, 'keys');
}

test('a key is kept for its owner only, and nothing else is left in the directory', async (t) => {
  const path = await directory(t);
  const store = createFileKeyStore(path);
  assert.equal(await store.load('ca'), undefined);
  assert.equal(await store.createIfAbsent('ca', 'pem-1'), 'pem-1');
  assert.equal(await store.load('ca'), 'pem-1');
  assert.deepEqual(await readdir(path), ['ca.key']);
  assert.equal((await stat(join(path, 'ca.key'))).mode & 0o777, 0o600);
  assert.equal((await stat(path)).mode & 0o777, 0o700);
});

test('of many that create at once one wins, and everybody gets the winner', async (t) => {
  const store = createFileKeyStore(await directory(t));
  const kept = await Promise.all(
    Array.from({ length: 20 }, (_, index) => store.createIfAbsent('ca', `pem-${index}`)),
  );
  assert.equal(new Set(kept).size, 1);
  assert.equal(await store.load('ca'), kept[0]);
});
