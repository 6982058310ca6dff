import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import type { CertificateFilter } from '../../store/certificates.ts';
import { revocationReasons } from '../../x509/revocation-reason.ts';
import { callerOf, callerPermits } from '../authentication.ts';
import { certificateSummary } from '../certificate-view.ts';
import { defined } from '../defined.ts';
import type { HttpParts } from '../parts.ts';
import { answer, closed, Label, PlainText, Time } from '../schemas/common.ts';
import { parseTime } from '../values.ts';

const Query = Type.Object(
  {
    subject: Type.Optional(PlainText(1, 512)),
    san: Type.Optional(PlainText(1, 512)),
    profile: Type.Optional(Label),
    authority: Type.Optional(Label),
    requester: Type.Optional(PlainText(1, 512)),
    state: Type.Optional(Type.Enum(['valid', 'revoked', 'expired'])),
    reason: Type.Optional(Type.Enum([...revocationReasons])),
    expiresBefore: Type.Optional(Time),
    expiresAfter: Type.Optional(Time),
    issuedBefore: Type.Optional(Time),
    issuedAfter: Type.Optional(Time),
    publicKey: Type.Optional(Type.String({ pattern: '^[0-9A-Fa-f]{64}$' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50 })),
    cursor: Type.Optional(PlainText(1, 512)),
  },
  closed,
);

/** `GET /v1/certificates`: by subject, name, profile, requester, state and expiry, in pages. */
export function certificateSearch(
  parts: Pick<HttpParts, 'certificates' | 'clock'>,
): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/v1/certificates',
      {
        config: { permission: 'certificates:read-own', faults: ['request-invalid'] },
        schema: {
          operationId: 'listCertificates',
          tags: ['certificates'],
          summary: 'Search the issued certificates',
          description:
            '`subject` is a prefix of the common name or of the whole subject, `san` one whole name (`dns:a.example`, or `a.example` for any kind), `publicKey` the SHA-256 of the SubjectPublicKeyInfo in hex. An issuer sees what it issued itself. Pages follow `nextCursor`, or the Link header.',
          querystring: Query,
          response: {
            200: answer('One page.', 'CertificateList', {
              headers: { Link: { type: 'string', description: 'The next page, `rel="next"`.' } },
            }),
          },
        },
      },
      async (request, reply) => {
        const { limit = 50, cursor } = request.query;
        const now = parts.clock.now();
        const filter = ownOnly(filterOf(request.query), request);
        if (filter === undefined) return reply.send({ items: [] });
        const page = await parts.certificates.search(
          filter,
          { limit, ...defined({ cursor }) },
          new Date(now),
        );
        if (page.nextCursor !== undefined) reply.header('link', nextLink(request.url, page.nextCursor));
        const items = page.items.map((item) => certificateSummary(item, now));
        return reply.send({ items, ...defined({ nextCursor: page.nextCursor }) });
      },
    );
  };
}

function filterOf(query: Static<typeof Query>): CertificateFilter {
  const { subject, san, profile, authority, requester, state, reason } = query;
  return defined({
    ...{ subject, san, profile, authority, requester, state, reason },
    expiresBefore: timeOf(query, 'expiresBefore'),
    expiresAfter: timeOf(query, 'expiresAfter'),
    issuedBefore: timeOf(query, 'issuedBefore'),
    issuedAfter: timeOf(query, 'issuedAfter'),
    spkiSha256: query.publicKey === undefined ? undefined : Buffer.from(query.publicKey, 'hex'),
  });
}

function timeOf(
  query: Static<typeof Query>,
  name: 'expiresBefore' | 'expiresAfter' | 'issuedBefore' | 'issuedAfter',
): Date | undefined {
  const text = query[name];
  return text === undefined ? undefined : parseTime(text, `/${name}`);
}

/** The filter narrowed to what the caller may read; undefined when nothing is left of it. */
function ownOnly(filter: CertificateFilter, request: FastifyRequest): CertificateFilter | undefined {
  if (callerPermits(request, 'certificates:read')) return filter;
  const own = callerOf(request).id;
  return (filter.requester ?? own) === own ? { ...filter, requester: own } : undefined;
}

/** RFC 8288. The reference is relative, so it holds behind whatever proxy. */
function nextLink(url: string, cursor: string): string {
  const [path = '', query = ''] = url.split('?', 2);
  const parameters = new URLSearchParams(query);
  parameters.set('cursor', cursor);
  return `<${path}?${parameters.toString()}>; rel="next"`;
}
