import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { Fault, faultCatalogue } from '../fault.ts';
import { problemHeaders, problemOf } from './problem.ts';

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** The latest request of each connection, to know whether one that went wrong has had its answer. */
const latest = new WeakMap<Socket, Exchange>();

export function rememberExchanges(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    latest.set(request.raw.socket, { request: request.raw, response: reply.raw });
    done();
  });
}

/**
 * Answers what Node gave up on: a head or body that did not arrive in time, a head that is too large, bytes that are
 * not HTTP. There is no reply object, so the answer is written by hand.
 */
export function answerClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  if (!isOfHttp(error.code) || !socket.writable || isAnswered(latest.get(socket))) {
    socket.destroy();
    return;
  }
  const fault = clientFault(error.code);
  const body = JSON.stringify(problemOf(fault, faultCatalogue[fault.code].title, randomUUID()));
  const head = [
    `HTTP/1.1 ${fault.status} ${STATUS_CODES[fault.status] ?? ''}`,
    ...Object.entries(problemHeaders(fault)).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** Else the connection itself broke or its TLS handshake failed: no answer would arrive, and writing one could wait. */
function isOfHttp(code = ''): boolean {
  return code.startsWith('HPE_') || code.startsWith('ERR_HTTP_');
}

/**
 * A caller refused before its body arrived has its answer, and so has begun to get one who is being answered: a second
 * answer on the same connection would be taken for that of another request.
 */
function isAnswered(exchange: Exchange | undefined): boolean {
  if (exchange === undefined) return false;
  const { request, response } = exchange;
  return request.complete ? !response.writableFinished : response.headersSent;
}

function clientFault(code: string | undefined): Fault {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new Fault('request-timeout', 'The request did not arrive in time.');
  if (code === 'HPE_HEADER_OVERFLOW') return new Fault('request-invalid', 'The header fields are too large.');
  return new Fault('request-invalid', 'This is not an HTTP request.');
}
