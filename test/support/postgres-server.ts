import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/store/embedded-postgres.ts';

/** The URL of the server that all test files of a run share (test/support/global-setup.ts). */
export const sharedServerVariable = 'INTERNAL_CA_TEST_POSTGRES_URL';

export const silentLog = { info: () => undefined, warn: () => undefined };

/** An empty directory that the server's account may pass through, for PostgreSQL's data. */
export async function temporaryDataDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'ica-'));
  await chmod(directory, 0o711);
  return directory;
}

/** A throw-away server: many connections, and no waiting for the disk. */
export async function startThrowAwayServer(): Promise<EmbeddedPostgres> {
  const directory = await temporaryDataDirectory();
  const server = await startEmbeddedPostgres({
    dataDirectory: directory,
    log: silentLog,
    settings: { fsync: 'off', full_page_writes: 'off', max_connections: '200' },
  });
  return {
    url: server.url,
    async stop() {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
