import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Caller } from '../../access/caller.ts';
import { permits } from '../../access/permissions.ts';
import type { PublishedCopy } from '../../publication/publisher.ts';
import type { SeenPlace } from '../../watchdog/watchdog.ts';
import { callerOf } from '../authentication.ts';
import type { HttpParts } from '../parts.ts';
import { answer } from '../schemas/common.ts';
import { formatTime } from '../values.ts';

const read = 'publications:read';
const addressPrefix = 'url:';
/** `secret:<namespace>/<name>` and `configmap:<namespace>/<name>`; a directory is no namespace. */
const namespacedTarget = /^(?:secret|configmap):([^/]+)\//;

/** `GET /v1/publications`: every copy of `ca.crt` and `ca.crl`, and every address that has the CRL. */
export function publications(parts: Pick<HttpParts, 'publisher' | 'watchdog'>): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/v1/publications',
      {
        config: { permission: read },
        schema: {
          operationId: 'listPublications',
          tags: ['publication'],
          summary:
            'Every copy of ca.crt and ca.crl, and every address of the CRL: where, which, when, what was read back there, and what went wrong',
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
        const [copies, seen] = await Promise.all([parts.publisher.status(), parts.watchdog.seen()]);
        const places = new Map(seen.map((each) => [each.place, each]));
        const addresses = seen.filter(({ place }) => place.startsWith(addressPrefix)).map(copyAt);
        const visible = [...copies, ...addresses].filter((copy) => maySee(caller, copy));
        return reply.send({ items: visible.map((copy) => copyView(copy, places.get(copy.target))) });
      },
    );
  };
}

function maySee(caller: Caller, { target, why }: PublishedCopy): boolean {
  const namespace = namespacedTarget.exec(target)?.[1];
  return namespace === undefined || why.includes('own') || permits(caller, read, { namespace });
}

/** Somebody else keeps what lies at an address; we only read it. */
function copyAt({ place, finding, detail }: SeenPlace): PublishedCopy {
  return {
    target: place,
    state: finding === 'current' ? 'Current' : 'Failed',
    why: ['configured'],
    caFingerprints: [],
    ...(finding === 'current' || detail === undefined ? {} : { error: detail }),
  };
}

function copyView(copy: PublishedCopy, seen: SeenPlace | undefined) {
  const { writtenAt, caFingerprints, why, ...rest } = copy;
  return {
    ...rest,
    why: [...why],
    caFingerprints: [...caFingerprints],
    ...(writtenAt === undefined ? {} : { writtenAt: formatTime(writtenAt) }),
    ...(seen === undefined ? {} : { seen: seenView(seen) }),
  };
}

function seenView({ finding, detail, crlNumber, nextUpdate, at }: SeenPlace) {
  return {
    finding,
    at: formatTime(at),
    ...(detail === undefined ? {} : { detail }),
    ...(crlNumber === undefined ? {} : { crlNumber }),
    ...(nextUpdate === undefined ? {} : { nextUpdate: formatTime(nextUpdate) }),
  };
}
