import type { FastifyInstance } from 'fastify';
import { Fault } from '../fault.ts';

/**
 * The only bodies read everywhere are JSON. An empty one counts as `{}`: where every member has a default, nothing need
 * be said. Members named `__proto__` or `constructor` are refused.
 */
export function readJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    const text = body.toString();
    if (text.trim() === '') done(null, {});
    else
      parse(request, text, (error, value) => {
        // V8's message quotes the body, which may be a CSR: it is neither answered nor logged.
        if (error) done(new Fault('request-invalid', 'The body is not well-formed JSON.'));
        else done(null, value);
      });
  });
}
