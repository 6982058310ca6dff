import type { Socket } from 'node:net';
import { TLSSocket, Server as TlsServer } from 'node:tls';
import type { FastifyInstance } from 'fastify';

/**
 * When closing begins, ends the connections on which nothing has been asked: load balancers and browsers open some
 * ahead. Node takes such a connection for a request that is arriving, and would wait for it until it is made to stop.
 * Call before the server listens.
 */
export function endSilentConnections(app: FastifyInstance): void {
  const { server } = app;
  // By peer: with TLS a connection is first its raw socket and then the TLS socket over it.
  const open = new Map<string, Socket>();

  function follow(socket: Socket): void {
    const peer = `${socket.remoteAddress} ${socket.remotePort}`;
    open.set(peer, socket);
    socket.once('close', () => {
      if (open.get(peer) === socket) open.delete(peer);
    });
  }

  /** Nothing of a request has come; a raw socket below TLS is one in its handshake. */
  function isSilent(socket: Socket): boolean {
    const inHandshake = server instanceof TlsServer && !(socket instanceof TLSSocket);
    return inHandshake || socket.bytesRead === 0;
  }

  server.on('connection', follow);
  server.on('secureConnection', follow);
  app.addHook('preClose', async () => {
    for (const socket of open.values()) if (isSilent(socket)) socket.destroy();
  });
}
