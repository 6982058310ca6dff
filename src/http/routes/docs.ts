import swaggerUi from '@fastify/swagger-ui';
import type { FastifyPluginAsync } from 'fastify';

export const docsPrefix = '/docs';

/** Scripts and styles of our own origin only: the page works offline and sends nothing anywhere. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  // Swagger UI sets style attributes on its elements.
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** `/openapi.json`, and the same to read and try out at `/docs`. */
export function docs(): FastifyPluginAsync {
  return async (app) => {
    let document: string | undefined;
    app.get(
      '/openapi.json',
      { config: { public: true }, schema: { hide: true } },
      async (_request, reply) => {
        document ??= JSON.stringify(app.swagger());
        return reply.header('cache-control', 'public, max-age=300').type('application/json').send(document);
      },
    );
    await app.register(swaggerUi, {
      routePrefix: docsPrefix,
      staticCSP: contentSecurityPolicy,
      uiConfig: {
        url: '/openapi.json',
        persistAuthorization: false,
        validatorUrl: null,
        tryItOutEnabled: true,
      },
    });
  };
}
