import { open, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Child, startChild } from './child.ts';

const mainFile = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const readyTimeoutMs = 60_000;

export interface RunningService {
  readonly port: number;
  readonly url: string;
  readonly dataDirectory: string;
  readonly adminToken: string;
  /** From the start of the process to the first 200 of /readyz. */
  readonly readyMilliseconds: number;
  stop(): Promise<void>;
}

export interface ServiceOptions {
  readonly dataDirectory: string;
  /** Default: the embedded PostgreSQL. */
  readonly databaseUrl?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** More configuration. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts the service as `npm start` does, with nothing configured but where; its log goes to a file, as in production. */
export async function startService(
  { dataDirectory, databaseUrl, env, ...options }: ServiceOptions,
  cleanUp: AsyncDisposableStack,
): Promise<RunningService> {
  const port = options.port ?? (await freePort());
  const log = await open(join(dataDirectory, 'service.log'), 'a');
  const began = performance.now();
  const child = startChild(process.execPath, [mainFile], {
    env: {
      PATH: process.env.PATH,
      // For `--cpu-prof`.
      NODE_OPTIONS: process.env.NODE_OPTIONS,
      DATA_DIR: dataDirectory,
      PORT: String(port),
      KUBERNETES: 'off',
      ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
      ...env,
    },
    stdio: ['ignore', log.fd, log.fd],
  });
  cleanUp.defer(() => child.stop());
  await log.close();
  const url = `http://127.0.0.1:${port}`;
  await waitUntilReady(child, url, dataDirectory);
  const readyMilliseconds = performance.now() - began;
  const adminToken = (await readFile(join(dataDirectory, 'admin-token'), 'utf8')).trim();
  return { port, url, dataDirectory, adminToken, readyMilliseconds, stop: () => child.stop() };
}

async function waitUntilReady(child: Child, url: string, dataDirectory: string): Promise<void> {
  const deadline = performance.now() + readyTimeoutMs;
  while (performance.now() < deadline && child.process.exitCode === null) {
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok === true) return;
    await sleep(5);
  }
  throw new Error(
    `The service did not become ready:\n${await readFile(join(dataDirectory, 'service.log'), 'utf8')}`,
  );
}

/** CPU seconds that the service has used so far, by its own metrics. */
export async function cpuSeconds({ url, adminToken }: RunningService): Promise<number> {
  const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${adminToken}` } });
  const value = /^process_cpu_seconds_total (\S+)/m.exec(await answer.text())?.[1];
  if (value === undefined) throw new Error('The metrics do not tell the CPU time');
  return Number(value);
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port);
        else reject(new Error('The system gave no port'));
      });
    });
  });
}
