import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { type FastifyInstance, fastify, LogController } from 'fastify';
import { requireCallers } from './authentication.ts';
import { answerClientError, rememberExchanges } from './client-error.ts';
import { addComponents } from './components.ts';
import { refuseWhileDraining } from './draining.ts';
import { createErrorHandler, sendProblem } from './error-handler.ts';
import { faultOf } from './fault-of.ts';
import { readJsonBodies } from './json-body.ts';
import { refuseUnknownRoutes } from './not-found.ts';
import { describeApi } from './openapi.ts';
import type { HttpParts } from './parts.ts';
import { convertQueries } from './query-types.ts';
import { logRequests, requestIdOf } from './request-log.ts';
import { authorities } from './routes/authorities.ts';
import { certificateIssue } from './routes/certificate-issue.ts';
import { certificateRead } from './routes/certificate-read.ts';
import { certificateSearch } from './routes/certificate-search.ts';
import { clientVerifications } from './routes/client-verifications.ts';
import { docs, docsPrefix } from './routes/docs.ts';
import { operations } from './routes/operations.ts';
import { profiles } from './routes/profiles.ts';
import { publicFiles } from './routes/public-files.ts';
import { publications } from './routes/publications.ts';
import { revocations } from './routes/revocations.ts';
import { tokens } from './routes/tokens.ts';
import { formats } from './schemas/common.ts';
import { setSecurityHeaders } from './security-headers.ts';

/**
 * The HTTP layer over its parts, not listening yet. `app.close()` lets requests in flight finish.
 * @throws Error when a route declares neither a permission nor that it is public
 */
export async function buildHttpApp(parts: HttpParts): Promise<FastifyInstance> {
  const app = createServer(parts);
  app.setErrorHandler(createErrorHandler(parts.metrics));
  // Compiled serializers are no faster on our answers (measured: 2.5 µs both) and cost the start 100 ms. That answers
  // keep to their schemas is what test/http/conformance.test.ts sees to.
  app.setSerializerCompiler(() => JSON.stringify);
  // The order of what follows is the order in which a request meets it.
  rememberExchanges(app);
  logRequests(app, parts.metrics);
  await setSecurityHeaders(app);
  refuseWhileDraining(app);
  refuseUnknownRoutes(app);
  requireCallers(app, parts.authenticator, docsPrefix);
  convertQueries(app);
  readJsonBodies(app);
  addComponents(app);
  await describeApi(app);
  await registerRoutes(app, parts);
  await app.ready();
  return app;
}

function createServer(parts: HttpParts): FastifyInstance {
  const { options } = parts;
  return fastify({
    loggerInstance: parts.logger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: requestIdOf,
    bodyLimit: options.bodyLimitBytes,
    requestTimeout: options.requestTimeoutMilliseconds,
    keepAliveTimeout: options.keepAliveTimeoutMilliseconds,
    // Node looks for late requests only this often; its default of 30 s would make the timeout a lie.
    http: {
      connectionsCheckingInterval: Math.max(100, Math.floor(options.requestTimeoutMilliseconds / 4)),
      headersTimeout: options.requestTimeoutMilliseconds,
    },
    trustProxy: options.trustedProxies.length === 0 ? false : [...options.trustedProxies],
    return503OnClosing: false,
    routerOptions: { maxParamLength: 256 },
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, request, reply) => {
      // No hook has run: the path could not even be routed.
      reply.header('x-request-id', request.id);
      request.log.info({ path: 'malformed', status: 400, ip: request.ip }, 'answered');
      sendProblem(faultOf(error, request), request, reply);
    },
    ajv: {
      customOptions: {
        coerceTypes: false,
        removeAdditional: false,
        strict: true,
        strictTypes: false,
        formats,
      },
    },
  });
}

async function registerRoutes(app: FastifyInstance, parts: HttpParts): Promise<void> {
  const typed = app.withTypeProvider<TypeBoxTypeProvider>();
  for (const routes of [
    certificateIssue(parts),
    certificateSearch(parts),
    certificateRead(parts),
    revocations(parts),
    profiles(parts),
    authorities(parts),
    clientVerifications(parts),
    publications(parts),
    tokens(parts),
    publicFiles(parts),
    operations(parts),
  ])
    await typed.register(routes);
  await app.register(docs());
}
