import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { TestScope } from './database.ts';

/** A door before a server that can fall silent: connections stay open and nothing passes, as when a cable is cut. */
export interface TcpProxy {
  /** Of 127.0.0.1. */
  readonly port: number;
  silence(): void;
  /** What was held back passes now. */
  resume(): void;
}

/** @param target where it leads: a port of 127.0.0.1, or the path of a socket */
export async function startTcpProxy(t: TestScope, target: number | string): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let silent = false;
  const server = createServer((incoming) => {
    const outgoing = typeof target === 'number' ? connect(target, '127.0.0.1') : connect(target);
    for (const [from, to] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      sockets.add(from);
      from.on('data', (bytes) => to.write(bytes));
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      if (silent) from.pause();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(async () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  return {
    port: address !== null && typeof address === 'object' ? address.port : 0,
    silence() {
      silent = true;
      for (const socket of sockets) socket.pause();
    },
    resume() {
      silent = false;
      for (const socket of sockets) socket.resume();
    },
  };
}

/** A proxy before a PostgreSQL server, and the URL of a database of it that leads through. */
export async function startPostgresProxy(
  t: TestScope,
  databaseUrl: string,
): Promise<TcpProxy & { readonly url: string }> {
  const url = new URL(databaseUrl);
  const directory = url.searchParams.get('host');
  const server = directory === null ? Number(url.port) : join(directory, `.s.PGSQL.${url.port}`);
  const proxy = await startTcpProxy(t, server);
  url.searchParams.delete('host');
  url.host = `127.0.0.1:${proxy.port}`;
  return { ...proxy, url: url.href };
}
