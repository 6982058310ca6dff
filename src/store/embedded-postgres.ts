import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClusterInUseError, EmbeddedPostgresError } from './embedded-postgres-error.ts';
import { findPostgresBinaries } from './postgres-binaries.ts';
import { clusterUser, openCluster, type PostgresCluster } from './postgres-cluster.ts';
import { type PostgresServer, readServerState, startServer } from './postgres-server.ts';
import { addressUrl, chooseAddress, serverSettings } from './postgres-settings.ts';

export { EmbeddedPostgresError } from './embedded-postgres-error.ts';

/** Where the server's own lines go; a pino logger fits. */
export interface PostgresLog {
  info(message: string): void;
  warn(message: string): void;
}

export interface EmbeddedPostgresOptions {
  /** DATA_DIR: the cluster lives in its directory `postgres`. */
  readonly dataDirectory: string;
  readonly log: PostgresLog;
  /** postgresql.conf settings over ours. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface EmbeddedPostgres {
  /** With the password: never log it. The same as long as this object lives. */
  readonly url: string;
  /** Fast shutdown; resolves when the server has ended. */
  stop(): Promise<void>;
}

/** A server whose owner has just died needs a moment to notice; a longer one to write its last checkpoint. */
const patience = { runningMs: 2_000, stoppingMs: 60_000, retryMs: 50 };
/** Between attempts to start again a server that died. */
const restartBackOff = { firstMs: 100, longestMs: 5_000 };

/**
 * Starts the PostgreSQL that comes with the `embedded-postgres` package, creating its cluster the first time, and
 * starts it again should it die. The server ends with this process, however this process ends.
 * @throws EmbeddedPostgresError with one line that says what to do
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  if (process.platform === 'win32') {
    throw new EmbeddedPostgresError('The embedded PostgreSQL does not run on Windows: set DATABASE_URL');
  }
  const dataDirectory = resolve(options.dataDirectory);
  const binaries = findPostgresBinaries();
  const cluster = await openCluster(dataDirectory, binaries);
  const address = await chooseAddress(cluster.directory);
  const settings = { ...serverSettings(address), ...options.settings };
  const start = (): Promise<PostgresServer> =>
    startWhenFree(dataDirectory, cluster, () =>
      startServer(cluster, binaries.postgres, settings, options.log),
    );
  return {
    url: addressUrl(address, clusterUser, cluster.password),
    stop: keepRunning(await start(), start, options.log),
  };
}

/** Waits for a server that is on its way out, and refuses when it stays. */
async function startWhenFree(
  dataDirectory: string,
  cluster: PostgresCluster,
  start: () => Promise<PostgresServer>,
): Promise<PostgresServer> {
  const began = performance.now();
  for (;;) {
    try {
      return await start();
    } catch (error) {
      if (!(error instanceof ClusterInUseError)) throw error;
      const state = await readServerState(cluster);
      const limit = state?.status === 'stopping' ? patience.stoppingMs : patience.runningMs;
      if (performance.now() - began > limit) {
        throw new EmbeddedPostgresError(
          `DATA_DIR ${dataDirectory} is in use by another internal-ca (its PostgreSQL is process ${state?.pid ?? 'unknown'}): stop that one, or set another DATA_DIR or DATABASE_URL`,
          { cause: error },
        );
      }
      await sleep(patience.retryMs);
    }
  }
}

/** Starts the server again whenever it ends unbidden. @returns the function that ends it for good */
function keepRunning(
  first: PostgresServer,
  start: () => Promise<PostgresServer>,
  log: PostgresLog,
): () => Promise<void> {
  let current: PostgresServer | undefined = first;
  let stopping = false;

  async function watch(): Promise<void> {
    while (!stopping) {
      await current?.ended;
      if (stopping) return;
      log.warn('The embedded PostgreSQL ended unexpectedly; starting it again');
      current = undefined;
      current = await restart();
    }
    // Told to stop while it was starting.
    await current?.stop();
  }

  async function restart(): Promise<PostgresServer | undefined> {
    for (
      let delay = restartBackOff.firstMs;
      !stopping;
      delay = Math.min(delay * 2, restartBackOff.longestMs)
    ) {
      try {
        const server = await start();
        log.info('The embedded PostgreSQL runs again');
        return server;
      } catch (error) {
        log.warn(`The embedded PostgreSQL does not start: ${error instanceof Error ? error.message : error}`);
        await sleep(delay);
      }
    }
    return undefined;
  }

  const watching = watch();
  return async () => {
    stopping = true;
    await current?.stop();
    await watching;
  };
}
