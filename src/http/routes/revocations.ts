import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { revocationReasons } from '../../x509/revocation-reason.ts';
import { callerOf } from '../authentication.ts';
import { defined } from '../defined.ts';
import type { HttpParts } from '../parts.ts';
import { answer, closed, SerialText } from '../schemas/common.ts';
import { formatTime, normaliseSerial } from '../values.ts';

const Body = Type.Object(
  {
    reason: Type.Optional(
      Type.Enum([...revocationReasons], {
        description:
          'RFC 5280 section 5.3.1; default `unspecified`. `certificateHold` can be released. `keyCompromise` also blocks the key and revokes every other certificate of it, and the CRL does not wait, as with `cACompromise`.',
      }),
    ),
  },
  { ...closed, examples: [{ reason: 'keyCompromise' }] },
);

const Params = Type.Object({ serial: SerialText }, closed);

/** `POST /v1/certificates/{serial}/revoke` and `/release` */
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
          summary: 'Revoke a certificate',
          description:
            'For ever, unless the reason is `certificateHold`. Idempotent: a second call answers what the first one did. The next CRL lists it. A hold takes any other reason, and every revocation takes `keyCompromise`; else another reason is a conflict.',
          params: Params,
          body: Body,
          response: { 200: answer('The revocation. Its record is durable.', 'Revocation') },
        },
      },
      async (request, reply) => {
        const { serial, reason, revokedAt, siblings } = await parts.revocation.revoke({
          serial: normaliseSerial(request.params.serial),
          reason: request.body.reason,
          requester: callerOf(request).id,
        });
        return reply.send({ serial, reason, revokedAt: formatTime(revokedAt), ...defined({ siblings }) });
      },
    );
    app.post(
      '/v1/certificates/:serial/release',
      {
        config: {
          permission: 'certificates:revoke',
          faults: ['request-invalid', 'certificate-not-found', 'not-on-hold'],
        },
        schema: {
          operationId: 'releaseCertificate',
          tags: ['certificates'],
          summary: 'Take a certificateHold back',
          description:
            'The certificate is good again: the next CRL lists it no more, and a delta CRL says so (removeFromCRL). Any other revocation is for ever.',
          params: Params,
          response: { 200: answer('The release. Its record is durable.', 'Release') },
        },
      },
      async (request, reply) => {
        const { serial, releasedAt } = await parts.revocation.release({
          serial: normaliseSerial(request.params.serial),
          requester: callerOf(request).id,
        });
        return reply.send({ serial, releasedAt: formatTime(releasedAt) });
      },
    );
  };
}
