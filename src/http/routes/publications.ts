import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Caller } from '../../access/caller.ts';
import { permits } from '../../access/permissions.ts';
import type { PublishedCopy } from '../../publication/publisher.ts';
import { callerOf } from '../authentication.ts';
import type { HttpParts } from '../parts.ts';
import { answer } from '../schemas/common.ts';
import { formatTime } from '../values.ts';

const read = 'publications:read';
/** `secret:<namespace>/<name>` and `configmap:<namespace>/<name>`; a directory is no namespace. */
const namespacedTarget = /^(?:secret|configmap):([^/]+)\//;

/** `GET /v1/publications`: every copy of `ca.crt` and `ca.crl`. */
export function publications(parts: Pick<HttpParts, 'publisher'>): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/v1/publications',
      {
        config: { permission: read },
        schema: {
          operationId: 'listPublications',
          tags: ['publication'],
          summary: 'Every copy of ca.crt and ca.crl: where, which CRL, when, and what went wrong',
          description:
            "An enforcer sees the copies in the namespaces of its own grant, the service's own, and those that lie in no namespace.",
          response: {
            200: answer(
              'Every copy the caller may see, those that could not be written included.',
              'PublicationList',
            ),
          },
        },
      },
      async (request, reply) => {
        const caller = callerOf(request);
        const all = await parts.publisher.status();
        return reply.send({ items: all.filter((copy) => maySee(caller, copy)).map(copyView) });
      },
    );
  };
}

function maySee(caller: Caller, { target, why }: PublishedCopy): boolean {
  const namespace = namespacedTarget.exec(target)?.[1];
  return namespace === undefined || why.includes('own') || permits(caller, read, { namespace });
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
