import { connect as connectPlain, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Failure, failureOf } from './failure.ts';
import { createAnswerReader, type HttpAnswer } from './http-answer.ts';
import { probeName } from './probe-name.ts';

/** PEM: the certificate with the chain to be sent behind it, and its key. */
export interface ClientIdentity {
  readonly certificate: string;
  readonly key: string;
}

export interface Knock {
  readonly address: string;
  readonly port: number;
  /** SNI and Host, whatever the address. */
  readonly serverName: string;
  readonly path: string;
  /** Absent: plain HTTP. */
  readonly tls?: { readonly identity?: ClientIdentity };
  /** Claims HTTPS in `X-Forwarded-Proto`, as a client may that wants to skip the redirect. */
  readonly claimsHttps?: boolean;
  /** For everything from the connection to the answer. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Default: the resolver of the system. */
  readonly lookup?: LookupFunction;
}

export type Knocked = ({ readonly kind: 'http' } & HttpAnswer) | Failure;

/**
 * One GET on a connection of its own: no session is resumed, no redirect followed. The server's certificate is not
 * looked at: whose it is decides nothing about who is let in, and nothing secret is sent.
 * @throws the reason of `signal` when it aborts
 */
export function knock(how: Knock): Promise<Knocked> {
  const { signal } = how;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const reader = createAnswerReader();
    const socket = open(how);
    const timer = setTimeout(() => finish({ kind: 'timeout' }), how.timeoutMs);
    const abort = (): void => {
      leave();
      reject(signal.reason);
    };
    signal.addEventListener('abort', abort);

    function leave(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      socket.destroy();
    }
    /** The headers count, if they came, however it ended. */
    function finish(otherwise: Failure): void {
      leave();
      resolve(reader.answer === undefined ? otherwise : { kind: 'http', ...reader.answer });
    }
    socket.on('data', (chunk: Buffer) => {
      const state = reader.push(chunk);
      if (state !== 'more') finish({ kind: state === 'malformed' ? 'malformed' : 'closed' });
    });
    socket.on('error', (error) => finish(failureOf(error)));
    socket.on('close', () => finish({ kind: 'closed' }));
  });
}

function open(how: Knock): Socket {
  const { address: host, port, serverName, tls, lookup } = how;
  const target = { host, port, ...(lookup === undefined ? {} : { lookup }) };
  const ask = (): void => {
    socket.write(requestOf(how));
  };
  const socket =
    tls === undefined
      ? connectPlain(target, ask)
      : connectTls(
          {
            ...target,
            servername: serverName,
            ALPNProtocols: ['http/1.1'],
            rejectUnauthorized: false,
            ...(tls.identity === undefined ? {} : { cert: tls.identity.certificate, key: tls.identity.key }),
          },
          ask,
        );
  return socket;
}

function requestOf({ serverName, path, claimsHttps = false }: Knock): string {
  const claim = claimsHttps ? 'X-Forwarded-Proto: https\r\n' : '';
  return `GET ${path} HTTP/1.1\r\nHost: ${serverName}\r\nUser-Agent: ${probeName}\r\nAccept: */*\r\n${claim}Connection: close\r\n\r\n`;
}
