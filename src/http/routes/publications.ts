import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { PublishedCopy } from '../../publication/publisher.ts';
import type { HttpParts } from '../parts.ts';
import { answer } from '../schemas/common.ts';
import { formatTime } from '../values.ts';

/** `GET /v1/publications`: every copy of `ca.crt` and `ca.crl`. */
export function publications(parts: Pick<HttpParts, 'publisher'>): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/v1/publications',
      {
        config: { permission: 'publications:read' },
        schema: {
          operationId: 'listPublications',
          tags: ['publication'],
          summary: 'Every copy of ca.crt and ca.crl: where, which CRL, when, and what went wrong',
          response: {
            200: answer('Every copy, those that could not be written included.', 'PublicationList'),
          },
        },
      },
      async (_request, reply) => reply.send({ items: (await parts.publisher.status()).map(copyView) }),
    );
  };
}

function copyView(copy: PublishedCopy) {
  const { writtenAt, caFingerprints, why, ...rest } = copy;
  return {
    ...rest,
    why: [...why],
    caFingerprints: [...caFingerprints],
    ...(writtenAt === undefined ? {} : { writtenAt: formatTime(writtenAt) }),
  };
}
