import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { type Database, openDatabase } from '../../src/store/database.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/store/embedded-postgres.ts';
import { migrate } from '../../src/store/migrate.ts';
import {
  sharedServerVariable,
  silentLog,
  startThrowAwayServer,
  temporaryDataDirectory,
} from './postgres-server.ts';

/** What a test gives: its context, or `{ after }` of a suite. */
export interface TestScope {
  after(work: () => Promise<void>): void;
}

export interface TestDatabase {
  readonly url: string;
  readonly db: Database;
}

/** A PostgreSQL of its own that a test may stop, start and kill. */
export interface RestartableDatabase extends TestDatabase {
  readonly dataDirectory: string;
  /** Fast shutdown: from here on the database is not reachable. */
  stop(): Promise<void>;
  /** The same data, the same URL. */
  start(): Promise<void>;
}

export const migrationsDirectory = fileURLToPath(new URL('../../migrations', import.meta.url));

let ownServer: Promise<EmbeddedPostgres> | undefined;

// For a test file that runs without the global set-up.
after(async () => {
  await (await ownServer)?.stop();
});

/** A new, migrated database on the shared server, dropped after the test. */
export async function createTestDatabase(t: TestScope): Promise<TestDatabase> {
  return createDatabase(t, await ensureTemplate(await serverUrl()));
}

/** A new database without any schema, for tests of the migrations. */
export async function createEmptyDatabase(t: TestScope): Promise<TestDatabase> {
  await serverUrl();
  return createDatabase(t, 'template0');
}

/** A new server with one migrated database, for tests of an outage. */
export async function restartableDatabase(t: TestScope): Promise<RestartableDatabase> {
  const dataDirectory = await temporaryDataDirectory();
  const start = (): Promise<EmbeddedPostgres> => startEmbeddedPostgres({ dataDirectory, log: silentLog });
  let server: EmbeddedPostgres | undefined = await start();
  const { url } = server;
  const stop = async (): Promise<void> => {
    await server?.stop();
    server = undefined;
  };
  await migrate(url, migrationsDirectory);
  const db = openTestDatabase(url);
  t.after(async () => {
    await db.close();
    await stop();
    await rm(dataDirectory, { recursive: true, force: true });
  });
  return {
    url,
    db,
    dataDirectory,
    stop,
    async start() {
      server ??= await start();
    },
  };
}

export function openTestDatabase(url: string, { statementTimeoutMs = 30_000 } = {}): Database {
  return openDatabase({
    url,
    poolSize: 8,
    statementTimeoutMs,
    connectTimeoutMs: 10_000,
    onIdleError: () => undefined,
  });
}

async function createDatabase(t: TestScope, template: string): Promise<TestDatabase> {
  const server = await serverUrl();
  const name = `test_${randomBytes(8).toString('hex')}`;
  await administer(server, [`create database ${name} template ${template}`]);
  const url = databaseUrl(server, name);
  const db = openTestDatabase(url);
  t.after(async () => {
    await db.close();
    await administer(server, [`drop database ${name} with (force)`]);
  });
  return { url, db };
}

async function serverUrl(): Promise<string> {
  const shared = process.env[sharedServerVariable];
  if (shared !== undefined) return shared;
  ownServer ??= startThrowAwayServer();
  return (await ownServer).url;
}

const template = 'internal_ca_template';
let templateReady: Promise<string> | undefined;

/** The migrated database that the others are copies of; the first test file of a run makes it, the others wait. */
function ensureTemplate(server: string): Promise<string> {
  templateReady ??= makeTemplate(server);
  return templateReady;
}

async function makeTemplate(server: string): Promise<string> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await client.query("select pg_advisory_lock(hashtextextended('test-template', 0))");
    const { rows } = await client.query('select from pg_database where datname = $1', [template]);
    if (rows.length === 0) {
      // Under another name until it is whole: a run that was interrupted leaves no half of one.
      const draft = `${template}_draft`;
      await client.query(`drop database if exists ${draft}`);
      await client.query(`create database ${draft}`);
      await migrate(databaseUrl(server, draft), migrationsDirectory);
      await client.query(`alter database ${draft} rename to ${template}`);
    }
  } finally {
    await client.end();
  }
  return template;
}

async function administer(server: string, statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

function databaseUrl(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}
