import { spawn } from 'node:child_process';

const outputLimit = 2000;

/**
 * Runs the operator's command after a change, by `/bin/sh -c`, so that it is read as it would be at a prompt. It gets the
 * directory as `INTERNAL_CA_PUBLISHED`. After `timeoutMs` it is killed with everything that it started.
 * @throws Error with the exit code or signal and the end of its output.
 */
export async function runCommand(
  command: string,
  o: { readonly directory: string; readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<void> {
  const child = spawn('/bin/sh', ['-c', command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: a timeout then ends a reload script's children as well.
    detached: true,
    env: { ...environment(), INTERNAL_CA_PUBLISHED: o.directory },
  });
  let output = '';
  const collect = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-outputLimit);
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  let why = '';
  const kill = (reason: string) => {
    why = reason;
    if (child.pid !== undefined) killGroup(child.pid);
  };
  const timer = setTimeout(() => kill(`no end within ${o.timeoutMs} ms`), o.timeoutMs);
  const abort = () => kill('the service stops');
  o.signal?.addEventListener('abort', abort, { once: true });
  try {
    const { code, signal } = await ended(child);
    if (code !== 0) {
      const how = why || (signal === null ? `exit code ${code}` : `signal ${signal}`);
      throw new Error(`"${command}" failed: ${how}${output === '' ? '' : `: ${output.trim()}`}`);
    }
  } finally {
    clearTimeout(timer);
    o.signal?.removeEventListener('abort', abort);
  }
}

function ended(child: ReturnType<typeof spawn>) {
  return new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Already gone.
  }
}

/** The command needs a PATH and a HOME, not the service's secrets. */
function environment(): NodeJS.ProcessEnv {
  const names = ['PATH', 'HOME', 'USER', 'LANG', 'TZ', 'KUBECONFIG'];
  return Object.fromEntries(
    names.filter((name) => process.env[name] !== undefined).map((name) => [name, process.env[name]]),
  );
}
