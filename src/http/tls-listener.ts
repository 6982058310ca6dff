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
        },
        listener,
      );
      return server;
    },
    use: (next) => server?.setSecureContext(secureContextOf(next)),
  };
}

/** Node looks for late requests only this often; its default of 30 s would make the timeout a lie. */
export function checkingInterval({ requestTimeoutMilliseconds }: Pick<Times, 'requestTimeoutMilliseconds'>) {
  return Math.max(100, Math.floor(requestTimeoutMilliseconds / 4));
}
