import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findTool } from '../skip.ts';
import { type RenderInput, render } from './render.ts';

export interface Nginx {
  readonly httpPort: number;
  readonly httpsPort: number;
  /** Renders anew and reloads; resolves when the new configuration answers and the old one takes no more connections. */
  update(input: RenderInput): Promise<void>;
  /** What nginx logged: the reason of every refusal is only there. */
  errorLog(): Promise<string>;
  stop(): Promise<void>;
}

/** Ports can be taken between our looking and nginx's binding. */
const startAttempts = 3;

/** Starts a real nginx on free loopback ports, with all its files in a temporary directory; as root or as a user. */
export async function startNginx(input: RenderInput): Promise<Nginx> {
  const program = findTool('nginx');
  if (program === undefined) throw new Error('nginx is not installed; use skipUnless(t, "nginx")');
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnce(program, input);
    } catch (error) {
      if (attempt === startAttempts || !String(error).includes('Address already in use')) throw error;
    }
  }
}

async function startOnce(program: string, first: RenderInput): Promise<Nginx> {
  const directory = await mkdtemp(join(tmpdir(), 'internal-ca-nginx-'));
  const [httpPort, httpsPort] = await freePorts();
  const log = join(directory, 'error.log');
  const config = join(directory, 'nginx.conf');
  const options = ['-p', directory, '-e', log, '-c', config];
  let generation = 0;

  /** As the controller does: a configuration that nginx does not accept is never loaded. */
  async function write(input: RenderInput): Promise<void> {
    generation += 1;
    const rendered = render(input, { directory, httpPort, httpsPort, generation });
    for (const [name, content] of rendered.files) await writeFile(join(directory, name), content);
    await writeFile(config, rendered.config);
    await promisify(execFile)(program, ['-t', ...options]);
  }

  await write(first);
  const child = spawn(program, options, { stdio: 'ignore' });
  const errorLog = () => readFile(log, 'utf8');
  const stop = async () => {
    await end(child);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await inForce(child, httpPort, generation, errorLog);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    httpPort,
    httpsPort,
    errorLog,
    stop,
    async update(input) {
      await write(input);
      const farewells = count(await errorLog(), farewell);
      child.kill('SIGHUP');
      await inForce(child, httpPort, generation, errorLog);
      // Until the old worker says so, both take connections from the same socket.
      while (count(await errorLog(), farewell) === farewells) await pause(10);
    },
  };
}

const farewell = 'gracefully shutting down';

async function inForce(
  child: ChildProcess,
  port: number,
  generation: number,
  errorLog: () => Promise<string>,
): Promise<void> {
  while ((await currentGeneration(port)) !== String(generation)) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`nginx ended: ${await errorLog()}`);
    await pause(10);
  }
}

function currentGeneration(port: number): Promise<string> {
  return new Promise((resolve) => {
    const asked = request(
      { host: '127.0.0.1', port, path: '/.generation', agent: false },
      async (response) => {
        let body = '';
        for await (const chunk of response) body += chunk;
        resolve(body);
      },
    );
    asked.on('error', () => resolve(''));
    asked.end();
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()];
  const ports = await Promise.all(
    servers.map(async (server) => {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return portOf(server.address());
    }),
  );
  for (const server of servers) server.close();
  const [first = 0, second = 0] = ports;
  return [first, second];
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  return address.port;
}

function count(text: string, part: string): number {
  return text.split(part).length - 1;
}
