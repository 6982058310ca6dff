import swagger from '@fastify/swagger';
import type { FastifyInstance, FastifySchema, RouteOptions } from 'fastify';
import manifest from '../../package.json' with { type: 'json' };
import { type FaultCode, faultCatalogue } from '../fault.ts';
import { problemMediaType, problemType } from './problem.ts';
import { binaryForm } from './schemas/common.ts';

const description = `The internal certificate authority: signs CSRs, revokes, keeps CRLs current, and makes Ingresses refuse
strangers.

Times are RFC 3339 in UTC; a serial is the lower-case hex of its octets. Every error is a problem document (RFC 9457)
whose \`type\` is \`urn:internal-ca:problem:<code>\`; the codes are stable.`;

const tags = [
  { name: 'certificates', description: 'From a CSR to a certificate, and to its revocation.' },
  { name: 'authorities', description: 'Who signs.' },
  { name: 'client verification', description: 'Ingresses that ask their clients for a certificate.' },
  { name: 'live verification', description: 'What a proxy asks about the client of each request.' },
  { name: 'publication', description: 'The copies of ca.crt and ca.crl.' },
  { name: 'tokens', description: 'Who may call.' },
  { name: 'public files', description: 'What relying parties fetch.' },
  { name: 'operations', description: 'Health, figures and this document.' },
];

/** Prepares the OpenAPI 3.1 document: `app.swagger()` has it once the app is ready. */
export async function describeApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'internal-ca',
        version: manifest.version,
        description,
        license: { name: 'Apache License 2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      tags,
      security: [{ bearer: [] }],
      components: {
        examples: problemExamples(),
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            description:
              'A token of `POST /v1/tokens`, ADMIN_TOKEN, or that of a Kubernetes service account which the configuration gives a role.',
          },
        },
      },
    },
    refResolver: {
      buildLocalReference: (json, _base, _fragment, index) => String(json.$id ?? `def-${index}`),
    },
    transformObject: (document) =>
      'openapiObject' in document ? withOptionalBodies(document.openapiObject) : document.swaggerObject,
    transform: ({ schema, url, route }) => ({
      schema: withNamedRest(documented(schema, route)),
      url: url.replace(/\/\*$/, '/:request'),
    }),
  });
}

/** A path parameter needs a name, and what the router calls `*`, the rest of the path, is no name in most languages. */
function withNamedRest(schema: FastifySchema): FastifySchema {
  const { params } = schema;
  if (typeof params !== 'object' || params === null || !('properties' in params)) return schema;
  const { '*': rest, ...named } = { '*': undefined, ...Object(params.properties) };
  if (rest === undefined) return schema;
  const properties = { ...named, request: rest };
  return { ...schema, params: { ...params, properties, required: Object.keys(properties) } };
}

/** What the document says and the running service need not compile: who may call, and every error. */
function documented(schema: FastifySchema, route: RouteOptions): FastifySchema {
  const { config } = route;
  const responses = typeof schema.response === 'object' && schema.response !== null ? schema.response : {};
  return {
    ...schema,
    ...(schema.body === undefined ? {} : { body: documentedBody(schema.body) }),
    ...(config?.public === true ? { security: [] } : {}),
    description: [schema.description ?? '', permissionNote(config?.permission)]
      .filter((part) => part !== '')
      .join('\n\n'),
    response: { ...problemResponses(faultsOf(route)), ...responses },
  };
}

/** What is not JSON is octets; the running service has no schema for it, since there is nothing to compile. */
function documentedBody(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || !('content' in body)) return body;
  const forms = Object.entries(body.content ?? {});
  return {
    content: Object.fromEntries(
      forms.map(([type, form]) => [type, type === 'application/json' ? form : binaryForm]),
    ),
  };
}

/** @fastify/swagger calls every body required; one whose members are all optional may be absent. */
function withOptionalBodies<Document extends { paths?: object }>(document: Document): Document {
  for (const operations of Object.values(document.paths ?? {})) {
    for (const { requestBody } of Object.values<Operation>(operations)) {
      const schema = requestBody?.content['application/json']?.schema;
      if (requestBody !== undefined && schema?.type === 'object')
        requestBody.required = schema.required !== undefined;
    }
  }
  return document;
}

interface Operation {
  readonly requestBody?: {
    required?: boolean;
    readonly content: Record<
      string,
      { readonly schema?: { readonly type?: string; readonly required?: string[] } }
    >;
  };
}

function permissionNote(permission: string | undefined): string {
  return permission === undefined ? 'No token is needed.' : `Needs the permission \`${permission}\`.`;
}

/** The faults that the frame around a handler can answer with, and the route's own. */
function faultsOf(route: RouteOptions): readonly FaultCode[] {
  const hasBody = route.schema?.body !== undefined;
  const bodyFaults: FaultCode[] = hasBody
    ? ['request-invalid', 'body-too-large', 'media-type-unsupported', 'request-timeout']
    : [];
  const callerFaults: FaultCode[] =
    route.config?.permission === undefined
      ? []
      : [
          'unauthenticated',
          'forbidden',
          'database-unavailable',
          // Of callers with a service account token only.
          'kubernetes-unavailable',
          'kubernetes-forbidden',
        ];
  return [
    ...new Set([
      ...(route.config?.faults ?? []),
      ...callerFaults,
      ...bodyFaults,
      'draining',
      'internal',
    ] as const),
  ];
}

function problemResponses(codes: readonly FaultCode[]): Record<string, object> {
  const byStatus = Map.groupBy(codes, (code) => faultCatalogue[code].status);
  const statuses = [...byStatus].sort(([a], [b]) => a - b);
  return Object.fromEntries(
    statuses.map(([status, same]) => [String(status), problemResponse(status, same)]),
  );
}

function problemResponse(status: number, codes: readonly FaultCode[]): object {
  return {
    description: codes.map((code) => `\`${code}\`: ${faultCatalogue[code].title}.`).join('\n\n'),
    ...(problemHeaderDocs[status] === undefined ? {} : { headers: problemHeaderDocs[status] }),
    content: {
      [problemMediaType]: {
        schema: { $ref: 'Problem#' },
        examples: Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }])),
      },
    },
  };
}

const problemHeaderDocs: Readonly<Record<number, object>> = {
  401: { 'WWW-Authenticate': { type: 'string', description: 'Always `Bearer`.' } },
  503: { 'Retry-After': { type: 'integer', description: 'Seconds.' } },
};

function problemExamples(): Record<string, { value: object }> {
  const codes = Object.keys(faultCatalogue)
    .filter(isFaultCode)
    .filter((code) => !withoutRoute.has(code));
  return Object.fromEntries(codes.map((code) => [code, { value: problemExample(code) }]));
}

/** What is answered where there is no operation to list it under. */
const withoutRoute: ReadonlySet<FaultCode> = new Set(['route-not-found', 'method-not-allowed']);

function isFaultCode(text: string): text is FaultCode {
  return Object.hasOwn(faultCatalogue, text);
}

function problemExample(code: FaultCode): object {
  const { status, title } = faultCatalogue[code];
  return {
    type: problemType(code),
    title,
    status,
    detail: `${title}.`,
    instance: 'urn:internal-ca:request:6f4d3f0e-7f0a-4f9f-9a8e-0d5c8b1c2a11',
  };
}
