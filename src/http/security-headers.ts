import helmet from '@fastify/helmet';
import type { FastifyInstance } from 'fastify';

/**
 * The answers are data: no page may frame them, guess their type, or run anything from them. `/docs` sets a policy of
 * its own. No HSTS: TLS ends in front of this service, which knows nothing of the names served there. Nothing is stored
 * by caches unless a route says so.
 */
export async function setSecurityHeaders(app: FastifyInstance): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
    strictTransportSecurity: false,
    originAgentCluster: false,
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xXssProtection: false,
    xPermittedCrossDomainPolicies: false,
    // Relying parties of any origin may fetch the public files; everything else needs a token.
    crossOriginResourcePolicy: { policy: 'cross-origin' },
  });
  app.addHook('onRequest', (_request, reply, done) => {
    reply.header('cache-control', 'no-store');
    done();
  });
}
