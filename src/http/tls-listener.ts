import type { RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { HttpOptions } from './parts.ts';
import { secureContextOf, type TlsIdentity } from './tls-identity.ts';

type Times = Pick<HttpOptions, 'requestTimeoutMilliseconds' | 'keepAliveTimeoutMilliseconds'>;

/** Serves TLS with an identity that can be exchanged meanwhile. */
export interface TlsListener {
  /** The server itself, not listening yet. Call once. */
  open(times: Times, listener: RequestListener): Server;
  /** New connections see this identity; those that are open go on. @throws what OpenSSL has against it */
  use(identity: TlsIdentity): void;
}

export function createTlsListener(identity: TlsIdentity): TlsListener {
  let server: Server | undefined;
  return {
    open(times, listener) {
      const { requestTimeoutMilliseconds, keepAliveTimeoutMilliseconds } = times;
      server = createServer(
        {
          ...secureContextOf(identity),
          // A handshake is part of a request's arrival; Node's own limit is two minutes.
          handshakeTimeout: requestTimeoutMilliseconds,
          requestTimeout: requestTimeoutMilliseconds,
          headersTimeout: requestTimeoutMilliseconds,
          keepAliveTimeout: keepAliveTimeoutMilliseconds,
          connectionsCheckingInterval: checkingInterval(times),
          maxHeaderSize: maxHeaderOctets,
        },
        listener,
      );
      return server;
    },
    use: (next) => server?.setSecureContext(secureContextOf(next)),
  };
}

/**
 * Who asks `/v1/verify` for a request sends all of its header fields, and the client's certificate beside them. nginx takes 33 KiB
 * of a client (`large_client_header_buffers`), and names the target three times; Node's own limit, 16 KiB, would refuse whoever
 * has many cookies.
 */
export const maxHeaderOctets = 64 * 1024;

/** Node looks for late requests only this often; its default of 30 s would make the timeout a lie. */
export function checkingInterval({ requestTimeoutMilliseconds }: Pick<Times, 'requestTimeoutMilliseconds'>) {
  return Math.max(100, Math.floor(requestTimeoutMilliseconds / 4));
}
