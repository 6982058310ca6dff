import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { Fault, faultCatalogue } from '../fault.ts';
import { problemHeaders, problemOf } from './problem.ts';

/**
 * Answers what Node refused before it was a request: a head or body that did not arrive in time, a head that is too
 * large, bytes that are not HTTP. There is no reply object yet, so the answer is written by hand.
 */
export function answerClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
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

function clientFault(code: string | undefined): Fault {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new Fault('request-timeout', 'The request did not arrive in time.');
  if (code === 'HPE_HEADER_OVERFLOW') return new Fault('request-invalid', 'The header fields are too large.');
  return new Fault('request-invalid', 'This is not an HTTP request.');
}
