import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { FaultCode } from '../../fault.ts';
import type { ImportReport } from '../../imports/import-report.ts';
import type { ImportService } from '../../imports/import-service.ts';
import { callerOf } from '../authentication.ts';
import { importBody } from '../import-body.ts';
import { createImportPatience } from '../import-patience.ts';
import type { HttpParts } from '../parts.ts';
import { answer, closed, Label } from '../schemas/common.ts';

type ImportParts = Pick<HttpParts, 'imports' | 'options'>;

interface Kind {
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly mediaTypes: readonly string[];
  readonly faults: readonly FaultCode[];
  readonly take: ImportService['importIndex'];
}

const repeatable =
  'Idempotent, and in whatever order with the other imports. What cannot be taken is reported and stops nothing. One import at a time.';

function kindsOf({ imports }: ImportParts): readonly Kind[] {
  return [
    {
      path: 'certificates',
      operationId: 'importCertificates',
      summary: 'Record certificates that were issued elsewhere',
      description: `Certificates of this authority in PEM, any number, with whatever text between them, such as \`cat newcerts/*.pem\`. From then on they can be found and revoked. ${repeatable}`,
      mediaTypes: ['application/x-pem-file', 'application/pem-certificate-chain', 'text/plain'],
      faults: [],
      take: (request) => imports.importCertificates(request),
    },
    {
      path: 'openssl-index',
      operationId: 'importOpensslIndex',
      summary: "Record the revocations of OpenSSL's index.txt",
      description: `Every line \`R\` is revoked from then on, also where its certificate is not on record. ${repeatable}`,
      mediaTypes: ['text/plain', 'text/tab-separated-values'],
      faults: [],
      take: (request) => imports.importIndex(request),
    },
    {
      path: 'crl',
      operationId: 'importCrl',
      summary: 'Record the revocations of a CRL',
      description: `A CRL of this authority, DER, or any number in PEM, of which those of others are reported; it may have lapsed. Every certificate that it lists is revoked from then on, also where it is not on record. The numbers of our CRLs stay above its own. ${repeatable}`,
      mediaTypes: ['application/pkix-crl', 'application/x-pem-file', 'text/plain'],
      faults: ['crl-malformed', 'crl-refused'],
      take: (request) => imports.importCrl(request),
    },
  ];
}

/** `POST /v1/authorities/{name}/imports/…`: what was issued and revoked elsewhere. */
export function imports(parts: ImportParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    const patiently = createImportPatience(app);
    // A scope for each, as each has media types of its own.
    for (const kind of kindsOf(parts)) await app.register(importOf(kind, parts, patiently));
  };
}

function importOf(
  { path, mediaTypes, take, faults, ...words }: Kind,
  { options }: ImportParts,
  patiently: ReturnType<typeof createImportPatience>,
): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser([...mediaTypes], (_request, payload, done) => done(null, payload));
    app.post(
      `/v1/authorities/:name/imports/${path}`,
      {
        config: {
          permission: 'certificates:import',
          faults: ['request-invalid', 'authority-not-found', 'too-many-requests', ...faults],
        },
        schema: {
          ...words,
          tags: ['authorities'],
          params: Type.Object({ name: Label }, closed),
          querystring: Type.Object(
            { dryRun: Type.Optional(Type.Boolean({ description: 'Count, and change nothing.' })) },
            closed,
          ),
          body: {
            content: Object.fromEntries(
              mediaTypes.map((type) => [
                type,
                { schema: Type.Unsafe<unknown>({ description: 'As it is.' }) },
              ]),
            ),
          },
          response: { 200: answer('What has become of it. All of it is durable.', 'ImportReport') },
        },
      },
      async (request, reply) => {
        // A refusal is answered while the body still arrives, and nobody waits for the rest of it.
        reply.header('connection', 'close');
        const report = await patiently(() =>
          take({
            authority: request.params.name,
            body: importBody(request, options),
            dryRun: request.query.dryRun ?? false,
            requester: callerOf(request).id,
          }),
        );
        return reply.removeHeader('connection').send(viewOf(report));
      },
    );
  };
}

function viewOf({ crlNumber, ...report }: ImportReport) {
  return { ...report, ...(crlNumber === undefined ? {} : { crlNumber: crlNumber.toString() }) };
}
