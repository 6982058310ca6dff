import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { Fault } from '../../fault.ts';
import type { OcspAnswer, OcspService } from '../../ocsp/ocsp-service.ts';
import { heldForm } from '../conditional.ts';
import { formatEntityTag } from '../entity-tag.ts';
import type { HttpParts } from '../parts.ts';
import { binaryForm, closed, Label } from '../schemas/common.ts';

const ocspRequest = 'application/ocsp-request';
const ocspResponse = 'application/ocsp-response';

/** Twenty CertIDs with SHA-512 and a long nonce, or a few that are signed with the client's chain. */
const bodyLimitBytes = 8_192;

/** A shared cache asks again after at most this long, as it does for the CRL, so that a revocation is soon seen behind it. */
const maxAgeSeconds = 300;

const tags = ['public files'];
const faults = ['request-invalid', 'authority-not-found', 'ocsp-off'] as const;
const answers = {
  200: {
    description: 'An OCSPResponse; also when it says `malformedRequest`, `unauthorized` or `tryLater`.',
    content: { [ocspResponse]: binaryForm },
  },
};

/** `/ocsp/{authority}`: RFC 6960 appendix A, without a token: the answer is signed, and who asks does not matter. */
export function ocsp(parts: Pick<HttpParts, 'ocsp' | 'clock'>): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.addContentTypeParser(
      ocspRequest,
      { parseAs: 'buffer', bodyLimit: bodyLimitBytes },
      (_request, body, done) => done(null, body),
    );
    app.post(
      '/ocsp/:name',
      {
        bodyLimit: bodyLimitBytes,
        config: { public: true, quiet: true, faults },
        schema: {
          operationId: 'postOcsp',
          tags,
          summary: 'Ask for the status of certificates',
          description: 'An OCSPRequest (RFC 6960) about up to 20 certificates of this authority.',
          params: Type.Object({ name: Label }, closed),
          body: {
            content: { [ocspRequest]: { schema: Type.Unsafe<Buffer>({ description: 'OCSPRequest, DER.' }) } },
          },
          response: answers,
        },
      },
      async (request, reply) => {
        const body: unknown = request.body;
        const octets = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
        const { der } = await serviceOf(parts).respond(request.params.name, octets);
        return reply.type(ocspResponse).send(der);
      },
    );
    app.get(
      '/ocsp/:name/*',
      {
        config: { public: true, quiet: true, faults },
        schema: {
          operationId: 'getOcsp',
          tags,
          summary: 'Ask for the status of a certificate, through caches',
          description:
            'The OCSPRequest in base64, percent-encoded (RFC 6960 appendix A.1, RFC 5019 section 5).',
          params: Type.Object({ name: Label, '*': Type.String() }, closed),
          response: {
            200: { ...answers[200], headers: cacheHeaders },
            304: { description: 'The client has it already (If-None-Match).', type: 'null' },
          },
        },
      },
      async (request, reply) => {
        const service = serviceOf(parts);
        const answer = await service.respond(request.params.name, decodePath(request.params['*']));
        return sendCacheable(answer, parts.clock.now(), request, reply);
      },
    );
  };
}

const cacheHeaders = {
  ETag: { type: 'string', description: 'For If-None-Match.' },
  'Last-Modified': { type: 'string', description: 'thisUpdate.' },
  Expires: { type: 'string', description: 'nextUpdate or earlier.' },
  'Cache-Control': {
    type: 'string',
    description: 'Ends before nextUpdate; `no-store` where the answer is for this client alone.',
  },
};

function serviceOf({ ocsp: service }: Pick<HttpParts, 'ocsp'>): OcspService {
  if (service === undefined) throw new Fault('ocsp-off', 'OCSP is not answered (see the setting OCSP).');
  return service;
}

/** Nothing at all for what is not exact base64, which then is a malformed request. */
function decodePath(path: string): Buffer {
  // Clients that join addresses with a slash too many.
  const text = path.replace(/^\/+/, '');
  const octets = text.length > bodyLimitBytes ? Buffer.alloc(0) : Buffer.from(text, 'base64');
  // Some leave the padding out.
  const exact = octets.toString('base64');
  return exact === text || exact.replace(/=+$/, '') === text ? octets : Buffer.alloc(0);
}

/** With what RFC 5019 section 6.2 asks for; what is for one client alone stays `no-store`, as everything here is by default. */
function sendCacheable(
  { der, common }: OcspAnswer,
  now: number,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (common === undefined) return reply.type(ocspResponse).send(der);
  const left = Math.floor((common.nextUpdate.getTime() - now) / 1000);
  const maxAge = Math.max(0, Math.min(left, maxAgeSeconds));
  const tag = { value: common.sha256, weak: false };
  reply
    .header('etag', formatEntityTag(tag))
    .header('last-modified', common.thisUpdate.toUTCString())
    .header('expires', new Date(now + maxAge * 1000).toUTCString())
    .header('cache-control', `max-age=${maxAge}, public, no-transform, must-revalidate`);
  const ifNoneMatch = request.headers['if-none-match'];
  if (ifNoneMatch !== undefined && heldForm(ifNoneMatch, [{ tag }])) return reply.code(304).send();
  return reply.type(ocspResponse).send(der);
}
