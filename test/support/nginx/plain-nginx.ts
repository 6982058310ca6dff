import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestScope } from '../database.ts';
import { eventually } from '../eventually.ts';
import { freePort } from '../free-port.ts';
import { findTool } from '../skip.ts';

export interface PlainNginx {
  readonly port: number;
  errorLog(): Promise<string>;
}

/**
 * A real nginx, for what ingress-nginx has no setting for. It is stopped after the test.
 * @param server what stands in its only server block, besides `listen`; relative paths are in the directory of `files`
 */
export async function startPlainNginx(
  t: TestScope,
  server: readonly string[],
  files: Readonly<Record<string, string>>,
): Promise<PlainNginx> {
  const program = findTool('nginx');
  if (program === undefined) throw new Error('nginx is not installed; use skipUnless(t, "nginx")');
  const directory = await mkdtemp(join(tmpdir(), 'internal-ca-nginx-'));
  const port = await freePort();
  for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const config = [
    ...(process.getuid?.() === 0 ? ['user root;'] : []),
    `daemon off; worker_processes 1; pid ${directory}/nginx.pid; error_log ${directory}/error.log info;`,
    'events { worker_connections 256; }',
    'http { access_log off;',
    ...temporary.map((name) => `${name}_temp_path ${directory}/temp-${name};`),
    `server { listen 127.0.0.1:${port} ssl;`,
    ...server,
    '} }',
  ];
  const path = join(directory, 'nginx.conf');
  await writeFile(path, config.join('\n'));
  const child = spawn(program, ['-p', directory, '-e', join(directory, 'error.log'), '-c', path], {
    stdio: 'ignore',
  });
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    }
    await rm(directory, { recursive: true, force: true });
  });
  const errorLog = (): Promise<string> => readFile(join(directory, 'error.log'), 'utf8');
  await eventually(() => connects(port));
  return { port, errorLog };
}

async function connects(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
  } finally {
    socket.destroy();
  }
}
