import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { AuthorityError } from '../../src/authority/authority-error.ts';
import { importLock } from '../../src/imports/import-service.ts';
import { importStartFiles, type StartFiles } from '../../src/imports/start-files.ts';
import { createRevocationStore } from '../../src/store/revocations.ts';
import {
  bytesOf,
  day,
  foreignCertificate,
  foreignCrl,
  type ImportBench,
  importBench,
  indexLine,
  now,
  openSslTime,
  pemOf,
} from './import-bench.ts';

const revokedAt = new Date(now - 50 * day);
const held = `${openSslTime(revokedAt)},certificateHold`;

async function setUp(t: TestContext) {
  const bench = await importBench(t);
  const directory = mkdtempSync(join(tmpdir(), 'import-files-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const write = (name: string, content: string | Buffer): string => {
    writeFileSync(join(directory, name), content);
    return join(directory, name);
  };
  return { bench, directory, write };
}

/** @returns the settings whose files were imported now, with how many problems there were */
async function start({ db, clock, authority }: ImportBench, files: StartFiles): Promise<[string, number][]> {
  const imported: [string, number][] = [];
  const onImported = (setting: string, { problemCount }: { readonly problemCount: number }): void =>
    void imported.push([setting, problemCount]);
  await importStartFiles({ database: db, clock, authority, onImported }, files);
  return imported;
}

async function revoked({ db }: ImportBench): Promise<unknown> {
  const rows = await db.query<{ serial: string }>({
    text: `select encode(serial, 'hex') as serial from revocations order by 1`,
  });
  return rows.map(({ serial }) => serial);
}

test('each file is imported once, by what it holds: a hold that was released is not put back by a restart', async (t) => {
  const { bench, directory, write } = await setUp(t);
  mkdirSync(join(directory, 'newcerts', '..data'), { recursive: true });
  write('newcerts/02.pem', `text\n${pemOf(await foreignCertificate(bench.authority, { serial: '02' }))}`);
  write('newcerts/01.pem', pemOf(await foreignCertificate(bench.authority, { serial: '01' })));
  write('newcerts/.hidden', 'nonsense');
  // One in DER is no file that may be passed over without a word.
  write('newcerts/04.crt', await foreignCertificate(bench.authority, { serial: '04' }));
  const files = {
    certificates: join(directory, 'newcerts'),
    index: write('index.txt', `${indexLine({ serial: '01', revoked: held })}nonsense\n`),
    crl: write('ca.crl', await foreignCrl(bench.authority, [{ serial: '03', revokedAt }], { number: 7n })),
  };
  assert.deepEqual(await start(bench, files), [
    ['CA_IMPORT_CERTIFICATES', 1],
    ['CA_IMPORT_INDEX_FILE', 1],
    ['CA_IMPORT_CRL_FILE', 0],
  ]);
  assert.deepEqual(await revoked(bench), ['01', '03']);
  const release = {
    serial: '01',
    authority: bench.authority.name,
    releasedAt: new Date(now),
    requester: 'token:r',
  };
  await createRevocationStore(bench.db).releaseHold({ ...release, entry: Buffer.of(1) });
  const before = await bytesOf(bench.db);
  // Nor does it wait for anybody who imports in this moment.
  await bench.db.withAdvisoryLock(importLock, async () => assert.deepEqual(await start(bench, files), []));
  assert.deepEqual(await bytesOf(bench.db), before);
  write(
    'index.txt',
    indexLine({ serial: '01', revoked: held }) + indexLine({ serial: '02', revoked: openSslTime(revokedAt) }),
  );
  assert.deepEqual(await start(bench, files), [['CA_IMPORT_INDEX_FILE', 0]]);
  assert.deepEqual(await revoked(bench), ['02', '03']);
});

test('a start that broke off is made up for by the next one; an empty directory and an empty index are fine', async (t) => {
  const { bench, directory, write } = await setUp(t);
  const files = {
    index: write('index.txt', indexLine({ serial: '01', revoked: held })),
    crl: write('ca.crl', 'nonsense'),
  };
  await assert.rejects(start(bench, files), (error) => {
    assert.ok(error instanceof AuthorityError);
    assert.match(error.message, /^CA_IMPORT_CRL_FILE \S+ cannot be imported: It holds no CRL\.$/);
    return true;
  });
  write('ca.crl', await foreignCrl(bench.authority, []));
  assert.deepEqual(await start(bench, files), [['CA_IMPORT_CRL_FILE', 0]]);
  mkdirSync(join(directory, 'newcerts'));
  const empty = { certificates: join(directory, 'newcerts'), index: write('index.txt', '') };
  assert.equal((await start(bench, empty)).length, 2);
  write('newcerts/04.crt', await foreignCertificate(bench.authority, { serial: '04' }));
  await assert.rejects(
    start(bench, empty),
    /CA_IMPORT_CERTIFICATES \S+ cannot be imported: .* no certificate in PEM/,
  );
  await assert.rejects(start(bench, { index: directory }), /CA_IMPORT_INDEX_FILE \S+ cannot be read: EISDIR/);
});

test('several replicas that start at once import it once, and none goes on before it is done', async (t) => {
  const { bench, write } = await setUp(t);
  const lines = Array.from({ length: 300 }, (_, n) =>
    indexLine({ serial: (n + 1).toString(16).padStart(4, '0'), revoked: held }),
  );
  const index = write('index.txt', lines.join(''));
  const starts = [1, 2, 3].map(async () => {
    const imported = await start(bench, { index });
    const [row] = await bench.db.query<{ count: number }>({ text: 'select count(*)::int from revocations' });
    assert.equal(row?.count, 300);
    return imported.length;
  });
  assert.deepEqual((await Promise.all(starts)).sort(), [0, 0, 1]);
});
