import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { provableReasons } from '../../revocation/proof-of-possession.ts';
import { defined } from '../defined.ts';
import type { HttpParts } from '../parts.ts';
import { answer, closed, SerialText } from '../schemas/common.ts';
import { formatTime, normaliseSerial } from '../values.ts';

/** Far above the signature of the largest key. */
const bodyLimitBytes = 4_096;

const Body = Type.Object(
  {
    reason: Type.Optional(
      Type.Enum([...provableReasons], {
        description: 'As the statement says it; default `unspecified`.',
      }),
    ),
    signature: Type.String({
      minLength: 4,
      maxLength: 2_048,
      pattern: '^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$',
      description:
        "Base64 of the signature by the certificate's key: RSA (PKCS #1 1.5) or ECDSA (DER), both with SHA-256, or Ed25519.",
    }),
  },
  { ...closed, examples: [{ reason: 'keyCompromise', signature: 'MEUCIQDv…' }] },
);

/** `POST /v1/certificates/{serial}/revoke-by-key`: the signature is all that anybody needs. */
export function revokeByKey(parts: Pick<HttpParts, 'proofOfPossession'>): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/v1/certificates/:serial/revoke-by-key',
      {
        bodyLimit: bodyLimitBytes,
        config: {
          public: true,
          faults: [
            'request-invalid',
            'certificate-not-found',
            'proof-invalid',
            'revocation-conflict',
            'too-many-requests',
          ],
        },
        schema: {
          operationId: 'revokeCertificateByKey',
          tags: ['certificates'],
          summary: 'Revoke a certificate with its own key',
          description:
            "Needs no token but a signature by the key of the certificate, over this text of three lines, each ended by one line feed: `internal-ca revocation request 1`, `certificate-sha256: ` and the lower-case hex of the SHA-256 of the certificate's DER, `reason: ` and the reason. As with `revoke`, `keyCompromise` blocks the key and revokes every other certificate of it.",
          params: Type.Object({ serial: SerialText }, closed),
          body: Body,
          response: { 200: answer('The revocation. Its record is durable.', 'Revocation') },
        },
      },
      async (request, reply) => {
        const { reason: wanted = 'unspecified', signature } = request.body;
        const { serial, reason, revokedAt, siblings } = await parts.proofOfPossession.revoke({
          serial: normaliseSerial(request.params.serial),
          reason: wanted,
          signature: Buffer.from(signature, 'base64'),
        });
        return reply.send({ serial, reason, revokedAt: formatTime(revokedAt), ...defined({ siblings }) });
      },
    );
  };
}
