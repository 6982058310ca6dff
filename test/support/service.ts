import { randomBytes } from 'node:crypto';
import { chown, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../src/clock.ts';
import { loadConfig } from '../../src/config/config.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { startService } from '../../src/service.ts';
import type { TestScope } from './database.ts';
import { type Answer, type CallOptions, callHttp } from './http-call.ts';
import { temporaryDataDirectory } from './postgres-server.ts';
import { type ServiceProcess, spawnService } from './service-process.ts';

export interface TestServiceOptions {
  /** Configuration over the test's own: a free port, no Kubernetes, a temporary DATA_DIR. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: the embedded PostgreSQL under DATA_DIR. */
  readonly databaseUrl?: string;
  /** In this process instead of a child: faster, with a clock of the test, but nothing to kill. */
  readonly inProcess?: boolean;
  /** With `inProcess` only. */
  readonly clock?: Clock;
  /** As in `ServiceInput`; with `inProcess` only. */
  readonly lookMs?: number;
  /** Default: a new one. Removed after the test. */
  readonly dataDirectory?: string;
  /** More arguments for Node, before the program. For a child only. */
  readonly nodeArguments?: readonly string[];
  /** The account of the child. Its DATA_DIR is made to belong to it. */
  readonly uid?: number;
}

/** The real service, listening on a free port of 127.0.0.1. */
export interface TestService {
  /** The present address, or the last one; `restart` changes it. */
  readonly url: string;
  readonly adminToken: string;
  readonly dataDirectory: string;
  /** Log lines since the (last) start, parsed; of a child only. */
  readonly log: readonly unknown[];
  /** Undefined in process and while it does not run. */
  readonly pid: number | undefined;
  /** One request with the administrator's token, unless the options name another or none. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** SIGTERM, or `close()` in process. Resolves with the exit code (null: ended by a signal) when it has ended. */
  stop(): Promise<number | null>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** Stops it if it still runs, and starts it with the same configuration and data. */
  restart(): Promise<void>;
}

interface Running {
  readonly url: string;
  readonly child?: ServiceProcess;
  stop(): Promise<number | null>;
}

/** Starts the service as `npm start` would; it is stopped, and its data removed, after the test. */
export async function startTestService(t: TestScope, options: TestServiceOptions = {}): Promise<TestService> {
  const dataDirectory = options.dataDirectory ?? (await temporaryDataDirectory());
  if (options.uid !== undefined) await chown(dataDirectory, options.uid, -1);
  const env = {
    HOST: '127.0.0.1',
    PORT: '0',
    KUBERNETES: 'off',
    DATA_DIR: dataDirectory,
    // The database has the time of this machine, whatever the test's is.
    ...(options.clock === undefined ? {} : { CRL_CLOCK_TOLERANCE: 'P100Y' }),
    ...(options.databaseUrl === undefined ? {} : { DATABASE_URL: options.databaseUrl }),
    ...options.env,
  };
  const start = (): Promise<Running> =>
    options.inProcess === true ? runHere(env, options) : runChild(env, options);
  let running: Running | undefined;
  let url = '';

  async function run(): Promise<void> {
    running = await start();
    url = running.url;
  }

  async function stop(): Promise<number | null> {
    const stopping = running;
    running = undefined;
    return stopping === undefined ? 0 : await stopping.stop();
  }

  t.after(async () => {
    await stop();
    await rm(dataDirectory, { recursive: true, force: true });
  });
  await run();
  const adminToken = options.env?.ADMIN_TOKEN ?? (await readAdminToken(dataDirectory));

  return {
    get url() {
      return url;
    },
    get log() {
      return running?.child?.log ?? [];
    },
    get pid() {
      return running?.child?.pid;
    },
    adminToken,
    dataDirectory,
    call: (method, path, callOptions = {}) =>
      callHttp(method, `${url}${path}`, { token: adminToken, ...callOptions }),
    stop,
    async kill() {
      const child = running?.child;
      if (child === undefined) throw new Error('there is no child process to kill');
      running = undefined;
      await child.kill();
    },
    async restart() {
      await stop();
      await run();
    },
  };
}

/** A token for ADMIN_TOKEN, for services that share a database. */
export function newAdminToken(): string {
  return randomBytes(24).toString('base64url');
}

async function runHere(
  env: NodeJS.ProcessEnv,
  { clock = systemClock, lookMs }: TestServiceOptions,
): Promise<Running> {
  const log = createLogger({ level: env.LOG_LEVEL ?? 'silent' });
  const service = await startService({
    config: loadConfig(env),
    env,
    log,
    clock,
    ...(lookMs === undefined ? {} : { lookMs }),
  });
  return {
    url: service.url,
    async stop() {
      await service.close();
      return 0;
    },
  };
}

async function runChild(env: NodeJS.ProcessEnv, options: TestServiceOptions): Promise<Running> {
  const { uid, nodeArguments } = options;
  const child = await spawnService(env, { uid, nodeArguments });
  return { url: await child.ready, child, stop: () => child.stop() };
}

async function readAdminToken(dataDirectory: string): Promise<string> {
  return (await readFile(join(dataDirectory, 'admin-token'), 'utf8')).trim();
}
