import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

/** A clean stop writes a checkpoint of the database; after this it is not one any more. */
const stopTimeoutMs = 30_000;

export interface Child {
  readonly process: ChildProcess;
  /** SIGTERM, and SIGKILL when that does not help; resolves when it has ended. */
  stop(): Promise<void>;
}

/**
 * Starts a program. In a process group of its own: Ctrl-C reaches this process alone, which then stops every child in
 * the right order.
 */
export function startChild(command: string, args: readonly string[], options: SpawnOptions = {}): Child {
  const child = spawn(command, args, { detached: true, ...options });
  const ended = once(child, 'exit').catch(() => undefined);
  return {
    process: child,
    async stop() {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
      await ended;
      clearTimeout(timer);
    },
  };
}

/**
 * Runs a program of this directory in a process of its own, so that its memory and CPU are its own, and gives back the
 * JSON that it prints.
 * @param file relative to bench/
 * @param input what it reads, as JSON, from its standard input
 */
export async function runWorker(
  file: string,
  input: unknown,
  cleanUp: AsyncDisposableStack,
  nodeOptions: readonly string[] = [],
): Promise<unknown> {
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url));
  const child = startChild(process.execPath, [...nodeOptions, path], { stdio: ['pipe', 'pipe', 'inherit'] });
  cleanUp.defer(() => child.stop());
  const { stdin, stdout } = child.process;
  if (stdin === null || stdout === null) throw new Error(`${file} has no pipes`);
  const exit = once(child.process, 'exit');
  stdin.end(JSON.stringify(input));
  const [output, [code]] = await Promise.all([text(stdout), exit]);
  if (code !== 0) throw new Error(`${file} ended with ${String(code)}`);
  return JSON.parse(output);
}

/** The worker's side of `runWorker`. */
export async function workerInput(): Promise<unknown> {
  return JSON.parse(await text(process.stdin));
}

/** The worker's answer: once, as its last act. */
export function workerOutput(result: object): void {
  process.stdout.write(JSON.stringify(result));
}
