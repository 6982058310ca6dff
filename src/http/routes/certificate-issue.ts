import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { authorise } from '../../access/permissions.ts';
import { Fault } from '../../fault.ts';
import type { IssuedCertificate } from '../../issuance/issued-certificate.ts';
import { callerOf } from '../authentication.ts';
import { issuedView } from '../certificate-view.ts';
import { defined } from '../defined.ts';
import { negotiate } from '../negotiation.ts';
import type { HttpParts } from '../parts.ts';
import { issueFaults } from '../route-faults.ts';
import { CertificateRequest } from '../schemas/certificate.ts';
import { answer, closed, Label, textForm } from '../schemas/common.ts';
import { parseValidity } from '../values.ts';

const pkcs10 = 'application/pkcs10';
const pemChain = 'application/pem-certificate-chain';

/** Characters of `Not-Honoured`: a CSR of 32 KiB can carry more OIDs than proxies take in a header. */
const maxHeaderLength = 1_000;

const Query = Type.Object(
  {
    profile: Type.Optional(Label),
    validity: Type.Optional(Type.String({ minLength: 1, maxLength: 64, examples: ['P90D'] })),
    authority: Type.Optional(Label),
  },
  closed,
);

const Headers = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      pattern: '^[\\x21-\\x7e]{1,255}$',
      description:
        'Repeat a request with the same key and get the same certificate; another body is refused with 422.',
      examples: ['6f4d3f0e-7f0a-4f9f-9a8e-0d5c8b1c2a11'],
    }),
  ),
});

const certificateRequest = Compile(CertificateRequest);

/** What is asked for, whichever way it came. */
interface Wish {
  readonly csr: Uint8Array;
  readonly profile?: string;
  readonly validity?: string | number;
  readonly authority?: string;
  readonly metadata?: Record<string, string>;
}

/** `POST /v1/certificates`: signs a CSR. */
export function certificateIssue(parts: Pick<HttpParts, 'issuance' | 'options'>): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.addContentTypeParser(pkcs10, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    app.post(
      '/v1/certificates',
      {
        config: { permission: 'certificates:issue', faults: issueFaults, countsRefusals: true },
        schema: {
          operationId: 'issueCertificate',
          tags: ['certificates'],
          summary: 'Sign a CSR',
          description:
            'The CA decides serial, validity, issuer, key usage and extensions; what the profile does not allow is refused by name, and what can never reach a certificate is named in `notHonoured`. With `application/pkcs10` (PEM or DER) the query holds what the JSON body would. `Accept: application/pem-certificate-chain` answers the certificate and its chain alone.',
          headers: Headers,
          querystring: Query,
          body: {
            content: {
              'application/json': { schema: CertificateRequest },
              [pkcs10]: { schema: Type.Unsafe<Buffer>({ description: 'PKCS #10 (RFC 2986), PEM or DER.' }) },
            },
          },
          response: {
            201: {
              ...answer('The certificate. Its record is durable.', 'IssuedCertificate', {
                headers: {
                  Location: { type: 'string', description: 'Where it can be read.' },
                  'Not-Honoured': {
                    type: 'string',
                    description:
                      '`notHonoured`, with commas between, at most 1,000 characters; absent when it is empty.',
                  },
                },
              }),
              content: {
                ...answer('', 'IssuedCertificate').content,
                [pemChain]: textForm,
              },
            },
          },
        },
      },
      async (request, reply) => {
        const form = negotiate(request.headers.accept, ['application/json', pemChain]);
        const caller = callerOf(request);
        const wish = wishOf(request, request.query);
        const profile = wish.profile ?? parts.options.defaultProfile;
        authorise(caller, 'certificates:issue', { profile });
        const issued = await parts.issuance.issue({
          csr: wish.csr,
          profile,
          requester: caller.id,
          ...defined({
            validitySeconds:
              wish.validity === undefined ? undefined : parseValidity(wish.validity, '/validity'),
            authority: wish.authority,
            metadata: wish.metadata,
            idempotencyKey: request.headers['idempotency-key'],
          }),
        });
        reply.code(201).header('location', `/v1/certificates/${issued.serial}`).header('vary', 'Accept');
        const notHonoured = issued.notHonoured.join(', ').slice(0, maxHeaderLength);
        if (notHonoured !== '') reply.header('not-honoured', notHonoured);
        return form === pemChain
          ? reply.type(pemChain).send(pemOf(issued))
          : reply.type('application/json').send(issuedView(issued));
      },
    );
  };
}

/** The leaf first, then its issuers (RFC 8555 section 9.1). */
function pemOf(issued: IssuedCertificate): string {
  return issued.certificatePem + issued.chainPem;
}

function wishOf(request: FastifyRequest, query: Static<typeof Query>): Wish {
  if (Buffer.isBuffer(request.body)) return { ...query, csr: request.body };
  if (Object.keys(query).length > 0)
    throw new Fault('request-invalid', 'With a JSON body, say it in the body and not in the query.');
  // The route's schema has said what is wrong with a body of its media type; this holds whatever the media type was.
  if (!certificateRequest.Check(request.body))
    throw new Fault('request-invalid', 'Send a body with a csr, as application/json or application/pkcs10.');
  const { csr, ...rest } = request.body;
  return { ...rest, csr: Buffer.from(csr, 'utf8') };
}
