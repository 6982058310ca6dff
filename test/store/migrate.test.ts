import assert from 'node:assert/strict';
import { appendFile, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { migrate } from '../../src/store/migrate.ts';
import { createEmptyDatabase, migrationsDirectory } from '../support/database.ts';

/** A copy of the migrations, in a directory whose name would mean something else in a pattern. */
async function copyOfMigrations(t: TestContext): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'migrations-'));
  t.after(() => rm(parent, { recursive: true }));
  const directory = join(parent, 'a [b] {c,d} (e)*');
  await mkdir(directory);
  await cp(migrationsDirectory, directory, { recursive: true });
  return directory;
}

test('the schema is made once, and a second run leaves it as it is', async (t) => {
  const { url, db } = await createEmptyDatabase(t);
  const first = await migrate(url, migrationsDirectory);
  await db.query({ text: "insert into blocked_keys values (sha256('x'), 'x', now())" });
  const second = await migrate(url, migrationsDirectory);
  assert.deepEqual(second, first);
  const [row] = await db.query<{ kept: number }>({ text: 'select count(*)::int as kept from blocked_keys' });
  assert.equal(row?.kept, 1);
});

test('four processes that start at once make one schema', async (t) => {
  const { url, db } = await createEmptyDatabase(t);
  const runs = await Promise.all([1, 2, 3, 4].map(() => migrate(url, migrationsDirectory)));
  const versions = await db.query<{ version: string }>({
    text: 'select version from schema_version where version > 0 order by version',
  });
  assert.deepEqual(
    versions.map((row) => Number(row.version)),
    Array.from({ length: runs[0]?.version ?? 0 }, (_, index) => index + 1),
  );
});

test('a schema that is newer than the program is refused and left alone', async (t) => {
  const { url, db } = await createEmptyDatabase(t);
  const directory = await copyOfMigrations(t);
  const { version } = await migrate(url, migrationsDirectory);
  await writeFile(join(directory, `000${version + 1}.do.newer.sql`), 'create table newer ();');
  assert.deepEqual(await migrate(url, directory), { version: version + 1 });
  await assert.rejects(migrate(url, migrationsDirectory), {
    name: 'MigrationError',
    message: `The database has schema version ${version + 1}, newer than version ${version} of this program: start the newer program`,
  });
  await db.query({ text: 'select from newer' });
});

test('a migration file that was changed afterwards is refused by name', async (t) => {
  const { url } = await createEmptyDatabase(t);
  const directory = await copyOfMigrations(t);
  await migrate(url, directory);
  await appendFile(join(directory, '0002.do.certificates.sql'), '\n-- changed\n');
  await assert.rejects(migrate(url, directory), {
    name: 'MigrationError',
    message: 'Migration 0002.do.certificates.sql differs from the file that the database was made with',
  });
});

test('a migration that fails leaves nothing of the run behind', async (t) => {
  const { url, db } = await createEmptyDatabase(t);
  const directory = await copyOfMigrations(t);
  const { version } = await migrate(url, directory);
  await writeFile(join(directory, `000${version + 1}.do.good.sql`), 'create table good ();');
  await writeFile(join(directory, `000${version + 2}.do.bad.sql`), 'create table bad (); select nonsense;');
  await assert.rejects(migrate(url, directory), {
    name: 'MigrationError',
    message: `Migration 000${version + 2}.do.bad.sql failed: column "nonsense" does not exist`,
  });
  const [row] = await db.query<{ good: string | null }>({ text: "select to_regclass('good') as good" });
  assert.equal(row?.good, null);
});

test('a gap in the numbers is refused', async (t) => {
  const { url } = await createEmptyDatabase(t);
  const directory = await copyOfMigrations(t);
  await rm(join(directory, '0002.do.certificates.sql'));
  await assert.rejects(migrate(url, directory), { name: 'MigrationError', message: /without a gap/ });
});

test('a database that is not there is an outage', async () => {
  await assert.rejects(migrate('postgresql://nobody@127.0.0.1:1/none', migrationsDirectory), {
    name: 'Fault',
    code: 'database-unavailable',
  });
});
