import { fileURLToPath } from 'node:url';
import type { Config } from '../config/config.ts';
import type { Logger } from '../observability/logger.ts';
import { type Database, openDatabase } from '../store/database.ts';
import { startEmbeddedPostgres } from '../store/embedded-postgres.ts';
import { migrate } from '../store/migrate.ts';
import type { ServiceInput } from './service-input.ts';

/** The database of the service, and how to open further connections to it. */
export interface Store {
  readonly database: Database;
  readonly url: string;
  /** It is our own, and no other process has it. */
  readonly embedded: boolean;
}

export async function openStore(
  { config, log }: ServiceInput,
  cleanUp: AsyncDisposableStack,
): Promise<Store> {
  const url = config.databaseUrl ?? (await startOwnPostgres(config, log, cleanUp));
  await migrate(url, fileURLToPath(new URL('../../migrations', import.meta.url)));
  const database = openDatabase({
    url,
    poolSize: config.databasePoolSize,
    statementTimeoutMs: config.databaseStatementTimeoutSeconds * 1000,
    connectTimeoutMs: config.databaseConnectTimeoutSeconds * 1000,
    onIdleError: (error) => log.warn({ err: error }, 'a database connection broke'),
  });
  cleanUp.defer(() => database.close());
  return { database, url, embedded: config.databaseUrl === undefined };
}

async function startOwnPostgres(config: Config, log: Logger, cleanUp: AsyncDisposableStack): Promise<string> {
  const postgres = await startEmbeddedPostgres({
    dataDirectory: config.dataDirectory,
    log: { info: (line) => log.debug({ postgres: line }), warn: (line) => log.warn({ postgres: line }) },
  });
  cleanUp.defer(() => postgres.stop());
  return postgres.url;
}
