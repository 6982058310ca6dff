import type { FastifyInstance } from 'fastify';
import { Fault } from '../fault.ts';
import { sendProblem } from './error-handler.ts';

interface KnownPath {
  readonly form: RegExp;
  readonly methods: Set<string>;
}

/**
 * 404 for a path that does not exist, 405 with `Allow` (RFC 9110 15.5.6) for one that exists with other methods.
 * The router tells the two apart only for a pattern, not for a path, so the patterns are kept here.
 * @param nothingHere the detail of the 404
 */
export function refuseUnknownRoutes(app: FastifyInstance, nothingHere: string): void {
  const paths = new Map<string, KnownPath>();
  app.addHook('onRoute', ({ url, method }) => {
    const known = paths.get(url) ?? { form: formOf(url), methods: new Set<string>() };
    for (const one of [method].flat()) known.methods.add(one);
    paths.set(url, known);
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '';
    const known = [...paths.values()]
      .filter(({ form }) => form.test(path))
      .flatMap(({ methods }) => [...methods]);
    const allowed = [...new Set(known)].sort().join(', ');
    // A file that a static route does not have comes here too, with a method that is allowed.
    const missing = known.length === 0 || known.includes(request.method);
    const fault = missing
      ? new Fault('route-not-found', nothingHere)
      : new Fault('method-not-allowed', `Allowed here: ${allowed}.`);
    if (!missing) reply.header('allow', allowed);
    request.fault = fault;
    return sendProblem(fault, request, reply);
  });
}

function formOf(url: string): RegExp {
  const escaped = url.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/:[A-Za-z]+/g, '[^/]+').replace(/\*/g, '.*')}$`);
}
