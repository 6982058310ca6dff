import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from 'fastify';
import type { HttpParts } from './parts.ts';

const requestIdForm = /^[A-Za-z0-9._-]{1,64}$/;

/** The caller's X-Request-Id when it is fit for a log, else a new one. */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && requestIdForm.test(given) ? given : randomUUID();
}

/** One line and one observation per request; refusals of callers at `warn`. Never a body, a header or a query. */
export function logRequests(app: FastifyInstance, metrics: Pick<HttpParts['metrics'], 'httpRequest'>): void {
  app.decorateRequest('fault', undefined);
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'unmatched';
    const status = reply.statusCode;
    metrics.httpRequest({ route, method: request.method, status, seconds: reply.elapsedTime / 1000 });
    const quiet = request.routeOptions.config.quiet === true;
    if (quiet && !isDebugging(request.log)) return done();
    const line = {
      method: request.method,
      path: pathOf(request),
      route,
      status,
      milliseconds: Math.round(reply.elapsedTime * 10) / 10,
      ip: request.ip,
      ...(request.caller === undefined ? {} : { caller: request.caller.id }),
      ...refusalOf(request),
    };
    if (quiet) request.log.debug(line, 'answered');
    else if (status === 401 || status === 403) request.log.warn(line, 'refused');
    else request.log.info(line, 'answered');
    done();
  });
}

/** Whether lines at `debug` are written at all. */
export function isDebugging({ level }: Pick<FastifyBaseLogger, 'level'>): boolean {
  return level === 'debug' || level === 'trace';
}

function refusalOf(request: FastifyRequest): object {
  const { fault } = request;
  if (fault === undefined) return {};
  return {
    code: fault.code,
    ...(fault.field === undefined ? {} : { field: fault.field }),
    detail: fault.message,
  };
}

const tokenForm = /ica_[A-Za-z0-9%_-]*/g;

/** The path without the query, short, and without a token that somebody put there by mistake. */
function pathOf(request: FastifyRequest): string {
  const path = request.url.split('?', 1)[0]?.slice(0, 512) ?? '';
  return path.includes('ica_') ? path.replace(tokenForm, 'ica_[redacted]') : path;
}
