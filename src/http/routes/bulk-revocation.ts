import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Static } from 'typebox';
import { callerOf } from '../authentication.ts';
import { defined } from '../defined.ts';
import type { HttpParts } from '../parts.ts';
import { publicKeyHash } from '../public-key-hash.ts';
import { answer } from '../schemas/common.ts';
import { BulkRevocationRequest } from '../schemas/revocation.ts';
import { parseTime } from '../values.ts';

/** `POST /v1/revocations`: every certificate that matches a filter. */
export function bulkRevocation(parts: Pick<HttpParts, 'bulkRevocation'>): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/v1/revocations',
      {
        config: {
          permission: 'certificates:revoke',
          faults: ['request-invalid', 'count-unexpected'],
        },
        schema: {
          operationId: 'revokeMatching',
          tags: ['certificates'],
          summary: 'Revoke every certificate that matches',
          description:
            'All that match the whole filter and have not expired, in one transaction: all or none. First with `dryRun`, which counts; then with that count as `expectedCount`. Idempotent. With `keyCompromise` the keys are blocked, and every other certificate of theirs counts as matching.',
          body: BulkRevocationRequest,
          response: { 200: answer('What was done, or would be. Its record is durable.', 'BulkRevocation') },
        },
      },
      async (request, reply) => {
        const { filter, reason, dryRun = false, expectedCount } = request.body;
        const { authorities: _authorities, ...outcome } = await parts.bulkRevocation.revokeMatching({
          filter: filterOf(filter),
          all: filter.all ?? false,
          reason,
          dryRun,
          ...defined({ expectedCount }),
          requester: callerOf(request).id,
        });
        return reply.send(outcome);
      },
    );
  };
}

function filterOf(filter: Static<typeof BulkRevocationRequest>['filter']) {
  const { all: _all, issuedAfter, issuedBefore, publicKey, ...exact } = filter;
  return {
    ...exact,
    ...defined({
      issuedAfter: issuedAfter === undefined ? undefined : parseTime(issuedAfter, '/filter/issuedAfter'),
      issuedBefore: issuedBefore === undefined ? undefined : parseTime(issuedBefore, '/filter/issuedBefore'),
      spkiSha256: publicKey === undefined ? undefined : publicKeyHash(publicKey, '/filter/publicKey'),
    }),
  };
}
