import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';

/** A door, and who stands before it. PEM throughout. */
export interface TlsClient {
  readonly port: number;
  readonly host: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Asks for `/` on a full handshake, TLS 1.2: there the session is known as soon as the handshake is done. */
export async function establishSession(client: TlsClient): Promise<{ session: Buffer; answer: string }> {
  const socket = tls12(client);
  await once(socket, 'secureConnect');
  const session = socket.getSession();
  if (session === undefined) throw new Error('nginx gave no TLS session');
  return { session, answer: await exchange(socket, client.host) };
}

/** Asks for `/` on a resumed session; throws when nginx makes a full handshake instead. */
export async function resumeSession(client: TlsClient, session: Buffer): Promise<string> {
  const socket = tls12(client, session);
  await once(socket, 'secureConnect');
  if (!socket.isSessionReused()) throw new Error('the session was not resumed');
  return exchange(socket, client.host);
}

function tls12({ port, host, ca, cert, key }: TlsClient, session?: Buffer): TLSSocket {
  return connect({
    host: '127.0.0.1',
    port,
    servername: host,
    ca,
    cert,
    key,
    maxVersion: 'TLSv1.2',
    ...(session === undefined ? {} : { session }),
  });
}

async function exchange(socket: TLSSocket, host: string): Promise<string> {
  let answer = '';
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  for await (const chunk of socket) answer += chunk;
  return answer;
}
