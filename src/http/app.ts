import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { type FastifyInstance, type FastifyServerFactory, fastify, LogController } from 'fastify';
import { requireCallers } from './authentication.ts';
import { answerClientError, rememberExchanges } from './client-error.ts';
import { addComponents } from './components.ts';
import { refuseWhileDraining } from './draining.ts';
import { createErrorHandler, sendProblem } from './error-handler.ts';
import { faultOf } from './fault-of.ts';
import { readJsonBodies } from './json-body.ts';
import { refuseUnknownRoutes } from './not-found.ts';
import { describeApi } from './openapi.ts';
import type { HttpOptions, HttpParts } from './parts.ts';
import { convertQueries } from './query-types.ts';
import { logRequests, requestIdOf } from './request-log.ts';
import { authorities } from './routes/authorities.ts';
import { bulkRevocation } from './routes/bulk-revocation.ts';
import { certificateIssue } from './routes/certificate-issue.ts';
import { certificateRead } from './routes/certificate-read.ts';
import { certificateSearch } from './routes/certificate-search.ts';
import { clientVerifications } from './routes/client-verifications.ts';
import { docs, docsPrefix } from './routes/docs.ts';
import { health } from './routes/health.ts';
import { imports } from './routes/imports.ts';
import { metrics } from './routes/metrics.ts';
import { ocsp } from './routes/ocsp.ts';
import { probe } from './routes/probe.ts';
import { profiles } from './routes/profiles.ts';
import { publicFiles } from './routes/public-files.ts';
import { publications } from './routes/publications.ts';
import { revocations } from './routes/revocations.ts';
import { revokeByKey } from './routes/revoke-by-key.ts';
import { tokens } from './routes/tokens.ts';
import { verify } from './routes/verify.ts';
import { formats } from './schemas/common.ts';
import { setSecurityHeaders } from './security-headers.ts';
import { endSilentConnections } from './silent-connections.ts';
import { checkingInterval, maxHeaderOctets, type TlsListener } from './tls-listener.ts';
import { shortcutVerification } from './verify-shortcut.ts';

/**
 * The HTTP layer over its parts, not listening yet. `app.close()` lets requests in flight finish.
 * @param tls serve with TLS; its certificate can be exchanged later
 * @throws Error when a route declares neither a permission nor that it is public
 */
export async function buildHttpApp(parts: HttpParts, tls?: TlsListener): Promise<FastifyInstance> {
  const closing = { begun: false };
  const app = createServer(parts, (usual) => {
    const listener = shortcutVerification(parts, usual, () => closing.begun);
    return tls === undefined ? openPlain(parts.options, listener) : tls.open(parts.options, listener);
  });
  app.addHook('preClose', async () => {
    closing.begun = true;
  });
  await setFrame(app, parts, 'Nothing is here; /docs lists what is.');
  await describeApi(app);
  await registerRoutes(app, parts);
  await app.ready();
  return app;
}

/** Only what anybody may have, for a port of its own without TLS: what is not registered cannot be reached there. */
export async function buildPublicApp(parts: HttpParts): Promise<FastifyInstance> {
  const app = createServer(parts, (listener) => openPlain(parts.options, listener));
  await setFrame(app, parts, 'This port has the public files only.');
  const typed = app.withTypeProvider<TypeBoxTypeProvider>();
  for (const routes of [publicFiles(parts), ocsp(parts), health(parts)]) await typed.register(routes);
  await app.ready();
  return app;
}

/** What is around every route. The order is the order in which a request meets it. */
async function setFrame(app: FastifyInstance, parts: HttpParts, nothingHere: string): Promise<void> {
  app.setErrorHandler(createErrorHandler(parts.metrics));
  // Compiled serializers are no faster on our answers (measured: 2.5 µs both) and cost the start 100 ms. That answers
  // keep to their schemas is what test/http/conformance.test.ts sees to.
  app.setSerializerCompiler(() => JSON.stringify);
  rememberExchanges(app);
  logRequests(app, parts.metrics);
  await setSecurityHeaders(app);
  refuseWhileDraining(app);
  endSilentConnections(app);
  refuseUnknownRoutes(app, nothingHere);
  requireCallers(app, parts.authenticator, docsPrefix);
  convertQueries(app);
  readJsonBodies(app);
  addComponents(app);
}

function createServer(parts: HttpParts, serverFactory: FastifyServerFactory): FastifyInstance {
  const { options } = parts;
  return fastify({
    loggerInstance: parts.logger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: requestIdOf,
    bodyLimit: options.bodyLimitBytes,
    serverFactory,
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

function openPlain(options: HttpOptions, listener: RequestListener): Server {
  return createHttpServer(
    {
      requestTimeout: options.requestTimeoutMilliseconds,
      headersTimeout: options.requestTimeoutMilliseconds,
      keepAliveTimeout: options.keepAliveTimeoutMilliseconds,
      connectionsCheckingInterval: checkingInterval(options),
      maxHeaderSize: maxHeaderOctets,
    },
    listener,
  );
}

async function registerRoutes(app: FastifyInstance, parts: HttpParts): Promise<void> {
  const typed = app.withTypeProvider<TypeBoxTypeProvider>();
  for (const routes of [
    certificateIssue(parts),
    certificateSearch(parts),
    certificateRead(parts),
    revocations(parts),
    revokeByKey(parts),
    bulkRevocation(parts),
    imports(parts),
    profiles(parts),
    authorities(parts),
    clientVerifications(parts),
    probe(parts),
    publications(parts),
    tokens(parts),
    verify(parts),
    publicFiles(parts),
    ocsp(parts),
    health(parts),
    metrics(parts),
  ])
    await typed.register(routes);
  await app.register(docs());
}
