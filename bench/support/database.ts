import { fileURLToPath } from 'node:url';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/store/embedded-postgres.ts';
import { migrate } from '../../src/store/migrate.ts';
import { type Run, temporaryDirectory } from './run.ts';

const migrations = fileURLToPath(new URL('../../migrations', import.meta.url));

/** An embedded PostgreSQL with the service's own settings, migrated, apart from any service. */
export async function startDatabase(run: Run): Promise<EmbeddedPostgres> {
  const dataDirectory = await temporaryDirectory(run);
  const server = await startEmbeddedPostgres({
    dataDirectory,
    log: { info: () => undefined, warn: () => undefined },
  });
  run.cleanUp.defer(() => server.stop());
  await migrate(server.url, migrations);
  return server;
}
