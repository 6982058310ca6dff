import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Verdict } from '../verification/verifier.ts';
import type { HttpParts } from './parts.ts';
import { isDebugging, requestIdOf } from './request-log.ts';

const path = '/v1/verify';
const members: ReadonlySet<string> = new Set(['ingress', 'key', 'caller']);

/**
 * A proxy asks `GET /v1/verify` before every request that it has, and nearly every answer is a 200 from memory. Those do not
 * go through the frame, whose hooks cost several times what the answer does (measured: bench/verify.ts). All else does:
 * refusals, what is not known yet, anything of another form, and everything while the log is at `debug`.
 * @param isClosing then the frame has to say so
 */
export function shortcutVerification(
  { verifier, metrics, logger }: Pick<HttpParts, 'verifier' | 'metrics' | 'logger'>,
  usual: RequestListener,
  isClosing: () => boolean,
): RequestListener {
  function answer(request: IncomingMessage, response: ServerResponse): boolean {
    const began = performance.now();
    const asked = questionOf(request);
    if (asked === undefined) return false;
    const verdict = verifier.verify({
      ...asked,
      remoteAddress: request.socket.remoteAddress,
      headers: request.headers,
    });
    if (verdict instanceof Promise) {
      // The usual way asks again.
      verdict.catch(() => undefined);
      return false;
    }
    if (!verdict.admitted) return false;
    admit(verdict, request, response);
    const seconds = (performance.now() - began) / 1000;
    metrics.httpRequest({ route: path, method: 'GET', status: 200, seconds });
    return true;
  }

  function admit(
    { identity }: Extract<Verdict, { admitted: true }>,
    request: IncomingMessage,
    response: ServerResponse,
  ): void {
    metrics.verified(identity === undefined ? 'admitted-without-certificate' : 'admitted');
    response.writeHead(200, {
      ...identity,
      'cache-control': 'no-store',
      'content-length': 0,
      'x-request-id': requestIdOf(request),
    });
    response.end();
  }

  return (request, response) => {
    if (isClosing() || isDebugging(logger) || !answer(request, response)) usual(request, response);
  };
}

/** Undefined for what is no such question, or not written as the schema of the route has it. */
function questionOf({ method, url = '', headers }: IncomingMessage): Record<string, string> | undefined {
  // Who is known by network, or shows a key in a header, asks without a query.
  if (method !== 'GET' || (url !== path && !url.startsWith(`${path}?`))) return undefined;
  if (headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0')
    return undefined;
  const question: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(url.slice(path.length + 1))) {
    if (!members.has(name) || question[name] !== undefined) return undefined;
    question[name] = value;
  }
  return question;
}
