import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PostgresLog } from './embedded-postgres.ts';
import { ClusterInUseError, EmbeddedPostgresError } from './embedded-postgres-error.ts';
import { serverEnvironment } from './postgres-account.ts';
import type { PostgresCluster } from './postgres-cluster.ts';
import { exitInUse, supervisorScript } from './postgres-supervisor.ts';

/** A server that accepts connections. */
export interface PostgresServer {
  /** Resolves when it has ended, whatever the cause. */
  readonly ended: Promise<void>;
  /** Fast shutdown; resolves when it has ended. */
  stop(): Promise<void>;
}

const pollMs = 10;
/** Crash recovery reads at most max_wal_size (1 GB) of WAL. */
const readyTimeoutMs = 300_000;
/** A fast shutdown writes one checkpoint; after this the server is stuck. */
const stopTimeoutMs = 60_000;

/**
 * Starts the server and waits until it accepts connections.
 * @throws ClusterInUseError while another server lives on the cluster
 */
export async function startServer(
  cluster: PostgresCluster,
  postgres: string,
  settings: Readonly<Record<string, string>>,
  log: PostgresLog,
): Promise<PostgresServer> {
  const child = spawnSupervisor(cluster, postgres, settings);
  const complaints = forwardLog(child.stderr, log);
  const ended = endOf(child);
  let over = false;
  void ended.then(() => {
    over = true;
  });
  try {
    await waitUntilReady(child, cluster, () => over);
  } catch (error) {
    child.stdin?.destroy();
    await ended;
    throw failure(error, child, cluster, complaints);
  }
  letProcessEnd(child);
  return { ended, stop: () => stopServer(child, cluster, ended) };
}

function spawnSupervisor(
  cluster: PostgresCluster,
  postgres: string,
  settings: Readonly<Record<string, string>>,
): ChildProcess {
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const [file = '', ...args] = [
    ...cluster.launcher.prefix,
    ...['/bin/sh', '-c', supervisorScript, 'internal-ca-postgres'],
    ...[join(cluster.directory, 'lock'), cluster.data],
    ...[postgres, '-D', cluster.data, ...options],
  ];
  return spawn(file, args, {
    ...cluster.launcher.identity,
    cwd: '/',
    env: serverEnvironment(),
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

async function endOf(child: ChildProcess): Promise<void> {
  // `error` comes instead of `exit` when there is no such program.
  await once(child, 'exit').catch(() => undefined);
  // Its watcher and the server, were they still alive without the shell, end with the pipe.
  child.stdin?.destroy();
}

/** The server writes its state into postmaster.pid: the PID in line 1, the state in line 8, as pg_ctl reads it. */
async function waitUntilReady(
  child: ChildProcess,
  cluster: PostgresCluster,
  over: () => boolean,
): Promise<void> {
  const pid = await firstLine(child.stdout);
  const deadline = performance.now() + readyTimeoutMs;
  while (!over()) {
    const state = await readServerState(cluster);
    if (state !== undefined && state.pid === pid && state.status === 'ready') return;
    if (performance.now() > deadline)
      throw new EmbeddedPostgresError('The embedded PostgreSQL does not get ready');
    await sleep(pollMs);
  }
  throw new EmbeddedPostgresError('The embedded PostgreSQL does not start');
}

/** What postmaster.pid says; `undefined` when there is none. */
export async function readServerState(
  cluster: Pick<PostgresCluster, 'data'>,
): Promise<{ pid: string; status: string } | undefined> {
  const text = await readFile(join(cluster.data, 'postmaster.pid'), 'utf8').catch(() => '');
  const lines = text.split('\n').map((line) => line.trim());
  return text === '' ? undefined : { pid: lines[0] ?? '', status: lines[7] ?? '' };
}

async function firstLine(stream: Readable | null): Promise<string | undefined> {
  if (stream === null) return undefined;
  for await (const line of createInterface({ input: stream })) return line;
  return undefined;
}

/** Hands on the server's lines, and keeps the last one of severity FATAL to explain a start that failed. */
function forwardLog(stream: Readable | null, log: PostgresLog): { last: string } {
  const complaints = { last: '' };
  if (stream === null) return complaints;
  createInterface({ input: stream }).on('line', (line) => {
    if (/^(LOG|HINT|DETAIL|NOTICE):/.test(line)) {
      log.info(`postgres: ${line}`);
      return;
    }
    if (/^(FATAL|PANIC):/.test(line) || complaints.last === '') complaints.last = line;
    log.warn(`postgres: ${line}`);
  });
  return complaints;
}

function failure(
  error: unknown,
  child: ChildProcess,
  cluster: PostgresCluster,
  complaints: { readonly last: string },
): unknown {
  const inUse = /lock file ".*" already exists|pre-existing shared memory block/.test(complaints.last);
  if (inUse || child.exitCode === exitInUse) {
    return new ClusterInUseError(`Another server runs on ${cluster.directory}`, { cause: error });
  }
  if (!(error instanceof EmbeddedPostgresError) || complaints.last === '') return error;
  const reason = complaints.last.replace(/^(FATAL|PANIC):\s*/, '');
  return new EmbeddedPostgresError(`${error.message}: ${reason}`, { cause: error });
}

/** The server alone keeps nobody waiting: a process that has nothing else to do ends, and the server with it. */
function letProcessEnd(child: ChildProcess): void {
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) {
    if (stream instanceof Socket) stream.unref();
  }
}

async function stopServer(
  child: ChildProcess,
  cluster: PostgresCluster,
  ended: Promise<void>,
): Promise<void> {
  child.ref();
  child.stdin?.end();
  const timer = setTimeout(() => {
    // Immediate shutdown: nothing that was acknowledged is lost, the next start recovers.
    void readServerState(cluster).then((state) => {
      if (state !== undefined) process.kill(Number(state.pid), 'SIGQUIT');
    });
  }, stopTimeoutMs);
  try {
    await ended;
  } finally {
    clearTimeout(timer);
  }
}
