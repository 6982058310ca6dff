import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Authenticator } from '../access/authenticator.ts';
import type { Caller } from '../access/caller.ts';
import { authorise, type Permission, permits } from '../access/permissions.ts';
import { Fault, type FaultCode } from '../fault.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a caller needs to use the route; checked before the body is read. */
    permission?: Permission;
    /** Open to anybody. A route has either this or a permission, or the service does not start. */
    public?: true;
    /** The faults of its own that the route answers with, for the OpenAPI document. */
    faults?: readonly FaultCode[];
    /** Asked for each request that a proxy has: logged at `debug`, whatever the answer. */
    quiet?: true;
    /** Whether a refusal here counts as a certificate request refused. */
    countsRefusals?: true;
  }
  interface FastifyRequest {
    caller: Caller | undefined;
    /** What the request was refused with, for the log. */
    fault: Fault | undefined;
  }
}

/** A service account token has one to two thousand characters. Node bounds all header fields together to 16 KiB. */
const bearerForm = /^Bearer +([\x21-\x7e]{1,4096})$/i;

/**
 * Closed by default: every route says who may use it, and every request is checked against that.
 * @param publicPrefix everything below is public: the pages of a plugin, whose routes cannot say so themselves
 */
export function requireCallers(
  app: FastifyInstance,
  authenticator: Pick<Authenticator, 'authenticate'>,
  publicPrefix: string,
): void {
  app.decorateRequest('caller', undefined);
  app.addHook('onRoute', (route) => {
    const { method, url } = route;
    if (url === publicPrefix || url.startsWith(`${publicPrefix}/`))
      route.config = { ...route.config, public: true };
    const { config } = route;
    if ((config?.public === true) === (config?.permission !== undefined))
      throw new Error(`${String(method)} ${url} must declare either a permission or public: true`);
  });
  app.addHook('onRequest', async (request) => {
    const { permission } = request.routeOptions.config;
    // Without a permission the route is public, as the hook above has made sure, or there is no such route.
    if (permission === undefined) return;
    request.caller = await identify(request, authenticator);
    authorise(request.caller, permission);
  });
}

async function identify(
  request: FastifyRequest,
  authenticator: Pick<Authenticator, 'authenticate'>,
): Promise<Caller> {
  const token = bearerForm.exec(request.headers.authorization ?? '')?.[1];
  const caller = token === undefined ? undefined : await authenticator.authenticate(token);
  // The same answer whatever was wrong: absent, malformed, unknown, expired or revoked.
  if (caller === undefined)
    throw new Fault('unauthenticated', 'Send Authorization: Bearer with a valid token.');
  return caller;
}

/** The caller of a route that has a permission. */
export function callerOf(request: FastifyRequest): Caller {
  if (request.caller === undefined) throw new Fault('internal', 'The route has no caller.');
  return request.caller;
}

/** Whether the caller may do this, where the route's own permission is the lesser one. */
export function callerPermits(request: FastifyRequest, permission: Permission): boolean {
  return permits(callerOf(request), permission);
}
