import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const mainProgram = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

export interface SpawnOptions {
  readonly uid?: number | undefined;
  readonly nodeArguments?: readonly string[] | undefined;
}

export interface ProcessEnd {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Everything that it wrote to standard error. */
  readonly stderr: string;
}

/** `node src/main.ts` as a child. */
export interface ServiceProcess {
  readonly pid: number;
  /** The address, once it listens. Rejects with what it wrote when it ends before. */
  readonly ready: Promise<string>;
  readonly ended: Promise<ProcessEnd>;
  /** Log lines, parsed; the latest 20,000. */
  readonly log: readonly unknown[];
  signal(name: NodeJS.Signals): void;
  /** SIGTERM, and SIGKILL should that not end it within a minute. */
  stop(): Promise<number | null>;
  kill(): Promise<void>;
}

const stopPatienceMs = 60_000;
const readyPatienceMs = 60_000;
const longestLog = 20_000;

/** Starts the program with exactly this environment (and PATH, for its tools). */
export async function spawnService(
  env: NodeJS.ProcessEnv,
  { uid, nodeArguments = [] }: SpawnOptions = {},
): Promise<ServiceProcess> {
  const child = spawn(process.execPath, [...nodeArguments, mainProgram], {
    env: { PATH: process.env.PATH, TMPDIR: process.env.TMPDIR, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  await once(child, 'spawn');
  const log: unknown[] = [];
  const ended = endOf(child);
  const ready = addressOf(child, log, ended);
  // A child that the test expects to fail has nobody waiting for its address.
  ready.catch(() => undefined);
  return {
    pid: child.pid ?? 0,
    ready,
    ended,
    log,
    signal: (name) => void child.kill(name),
    async stop() {
      child.kill('SIGTERM');
      const patience = setTimeout(() => child.kill('SIGKILL'), stopPatienceMs);
      const { code } = await ended;
      clearTimeout(patience);
      return code;
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function endOf(child: ChildProcess): Promise<ProcessEnd> {
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, stderr }));
  });
}

/** Reads the log until the line that names the address, and goes on collecting. */
function addressOf(child: ChildProcess, log: unknown[], ended: Promise<ProcessEnd>): Promise<string> {
  return new Promise((resolve, reject) => {
    const patience = setTimeout(() => {
      reject(new Error(`the service is not ready after ${readyPatienceMs} ms`));
      child.kill('SIGKILL');
    }, readyPatienceMs);
    if (child.stdout !== null) {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const entry = parseLine(line);
        log.push(entry);
        if (log.length > longestLog) log.shift();
        if (!isReady(entry)) return;
        clearTimeout(patience);
        resolve(entry.url);
      });
    }
    void ended.then(({ code, signal, stderr }) => {
      clearTimeout(patience);
      reject(new Error(`the service ended (${signal ?? code}): ${stderr || JSON.stringify(log.slice(-5))}`));
    });
  });
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
}

function isReady(entry: unknown): entry is { url: string } {
  return (
    typeof entry === 'object' &&
    entry !== null &&
    'msg' in entry &&
    entry.msg === 'ready' &&
    'url' in entry &&
    typeof entry.url === 'string'
  );
}
