import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Content } from '../../src/watchdog/content.ts';
import { directoryPlace } from '../../src/watchdog/directory-place.ts';
import { createCopyReader } from '../../src/watchdog/read-copy.ts';
import { pemOf, publishedBy } from './published.ts';

const never = AbortSignal.any([]);

test('files are read when they are others than before, and none are broken', async (t) => {
  const path = mkdtempSync(join(tmpdir(), 'internal-ca-published-'));
  t.after(() => rmSync(path, { recursive: true }));
  const { watched, caCrt, crl } = await publishedBy();
  const reader = createCopyReader([watched]);
  let reads = 0;
  const counting = {
    async read(copy: Parameters<typeof reader.read>[0]): Promise<Content> {
      reads += 1;
      return reader.read(copy);
    },
  };
  const wanted = { crlsOf: ['internal-ca'], mayHaveCrls: true };
  const place = directoryPlace({ path, graceSeconds: 60, wanted, reader: counting });
  assert.equal((await place.look(never)).kind, 'broken');
  writeFileSync(join(path, 'ca.crt'), caCrt);
  writeFileSync(join(path, 'ca.crl'), pemOf(await crl(7n)));
  const first = await place.look(never);
  assert.partialDeepStrictEqual(first, { crls: [{ number: 7n }] });
  const before = reads;
  assert.equal(await place.look(never), first);
  assert.equal(reads, before);
  place.doubt();
  assert.deepEqual(await place.look(never), first);
  assert.equal(reads, before + 1);
  writeFileSync(join(path, 'ca.crl'), pemOf(await crl(8n)));
  assert.partialDeepStrictEqual(await place.look(never), { crls: [{ number: 8n }] });
  writeFileSync(join(path, 'ca.crl'), '');
  assert.deepEqual(await place.look(never), { kind: 'content', crls: [] });
});

test('what keeps us from looking is not taken for files that are not there', async (t) => {
  const path = mkdtempSync(join(tmpdir(), 'internal-ca-published-'));
  t.after(() => rmSync(path, { recursive: true }));
  writeFileSync(join(path, 'published'), 'no directory');
  const { watched } = await publishedBy();
  const place = directoryPlace({
    path: join(path, 'published'),
    graceSeconds: 60,
    wanted: { crlsOf: ['internal-ca'], mayHaveCrls: true },
    reader: createCopyReader([watched]),
  });
  await assert.rejects(place.look(never), /ENOTDIR/);
});
