import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { revocationReasons } from '../../x509/revocation-reason.ts';
import { callerOf } from '../authentication.ts';
import type { HttpParts } from '../parts.ts';
import { answer, closed, SerialText } from '../schemas/common.ts';
import { formatTime, normaliseSerial } from '../values.ts';

const Body = Type.Object(
  {
    reason: Type.Optional(
      Type.Enum([...revocationReasons], {
        description:
          'RFC 5280 section 5.3.1; default `unspecified`. `keyCompromise` also blocks the key, and the CRL does not wait.',
      }),
    ),
  },
  { ...closed, examples: [{ reason: 'keyCompromise' }] },
);

/** `POST /v1/certificates/{serial}/revoke` */
export function revocations(parts: Pick<HttpParts, 'revocation'>): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/v1/certificates/:serial/revoke',
      {
        config: {
          permission: 'certificates:revoke',
          faults: ['request-invalid', 'certificate-not-found', 'revocation-conflict'],
        },
        preValidation: async (request) => {
          // No body at all is the same as an empty one.
          if (request.body === undefined) request.body = {};
        },
        schema: {
          operationId: 'revokeCertificate',
          tags: ['certificates'],
          summary: 'Revoke a certificate for ever',
          description: 'Idempotent: a second call answers what the first one did. The next CRL lists it.',
          params: Type.Object({ serial: SerialText }, closed),
          body: Body,
          response: { 200: answer('The revocation. Its record is durable.', 'Revocation') },
        },
      },
      async (request, reply) => {
        const { serial, reason, revokedAt } = await parts.revocation.revoke({
          serial: normaliseSerial(request.params.serial),
          reason: request.body.reason,
          requester: callerOf(request).id,
        });
        return reply.send({ serial, reason, revokedAt: formatTime(revokedAt) });
      },
    );
  };
}
