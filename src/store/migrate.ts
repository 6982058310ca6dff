import { basename, sep } from 'node:path';
import pg from 'pg';
import Postgrator from 'postgrator';
import { toFault } from './database-fault.ts';

/** The schema cannot be brought to what this program needs; `message` is one line for the operator. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

/** Not in the migrations themselves, so that they stay plain SQL; any constant that nobody else uses. */
const lockKey = 'internal-ca/migrate';

/**
 * Brings the schema up to the newest file of `directory`, all of it in one transaction, one process at a time.
 * @param url of the database
 * @throws MigrationError with one line: a newer schema, a changed file, a failing statement
 * @throws Fault database-unavailable
 */
export async function migrate(url: string, directory: string): Promise<{ version: number }> {
  const client = new pg.Client({ connectionString: url, application_name: 'internal-ca migrate' });
  // A lost connection fails the query under way; without a listener it would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect().catch((error: unknown) => {
      throw toFault(error, 'connecting');
    });
    return await migrateWith(client, directory);
  } catch (error) {
    throw toFault(error, 'querying');
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Closing the connection rolls back whatever was not committed. */
async function migrateWith(client: pg.Client, directory: string): Promise<{ version: number }> {
  await client.query('begin');
  await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [lockKey]);
  const schema = await currentSchema(client);
  const postgrator = new Postgrator({
    driver: 'pg',
    migrationPattern: `${escapeGlob(directory)}/*.sql`,
    schemaTable: 'schema_version',
    // Looks for its table there, and not in some other schema of the database.
    currentSchema: schema,
    // A checkout with CRLF line ends is the same migration.
    newline: 'LF',
    execQuery: (sql) => client.query(sql),
  });
  const known = (await postgrator.getMigrations())
    .map((migration) => migration.version)
    .sort((a, b) => a - b);
  const newest = known.at(-1);
  if (newest === undefined || known.some((version, index) => version !== index + 1)) {
    throw new MigrationError(`The migrations in ${directory} are not numbered 1, 2, 3 … without a gap`);
  }
  const present = await postgrator.getDatabaseVersion();
  if (present > newest) {
    throw new MigrationError(
      `The database has schema version ${present}, newer than version ${newest} of this program: start the newer program`,
    );
  }
  await applyTo(postgrator);
  await client.query('commit');
  return { version: newest };
}

async function applyTo(postgrator: Postgrator): Promise<void> {
  let running = '';
  postgrator.on('validation-started', (migration) => {
    running = basename(migration.filename);
  });
  postgrator.on('migration-started', (migration) => {
    running = basename(migration.filename);
  });
  try {
    await postgrator.migrate();
  } catch (error) {
    if (toFault(error, 'querying') !== error || !(error instanceof Error)) throw error;
    const detail = error.message.startsWith('MD5 checksum failed')
      ? 'differs from the file that the database was made with'
      : `failed: ${error.message}`;
    throw new MigrationError(`Migration ${running} ${detail}`, { cause: error });
  }
}

/** Where unqualified names go. */
async function currentSchema(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ schema: string | null }>('select current_schema() as schema');
  const schema = rows[0]?.schema;
  if (schema === undefined || schema === null || !/^[a-z_][a-z0-9_]*$/.test(schema)) {
    throw new MigrationError('The search_path of the database names no schema that exists');
  }
  return schema;
}

/** The directory is a path, not a pattern, also when it holds brackets; a pattern has forward slashes everywhere. */
function escapeGlob(path: string): string {
  return path.replaceAll(sep, '/').replace(/[\\?*+@!()[\]{}]/g, '\\$&');
}
