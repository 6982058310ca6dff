import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { Fault, type FaultCode, faultCatalogue } from '../../fault.ts';
import { identityHeaders, omittedHeader } from '../../verification/identity-headers.ts';
import type { Verdict, VerifyReason } from '../../verification/verifier.ts';
import type { HttpParts } from '../parts.ts';
import { closed, Label } from '../schemas/common.ts';

const Query = Type.Object(
  {
    ingress: Type.Optional(
      Type.String({
        pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$',
        description: 'The enforced Ingress, `namespace/name`; set by this service in its `auth-url`.',
      }),
    ),
    key: Type.Optional(
      Type.String({
        maxLength: 512,
        description: "That Ingress's, or the caller's; a caller may send `X-Verify-Key` instead.",
      }),
    ),
    caller: Type.Optional(Label),
  },
  closed,
);

const faultOfReason: Partial<Record<VerifyReason, FaultCode>> = {
  'caller-unknown': 'verify-caller-unknown',
  'caller-ambiguous': 'verify-caller-unknown',
  'no-certificate': 'client-certificate-missing',
  unreadable: 'client-certificate-unreadable',
  'probe-not-allowed': 'client-certificate-missing',
  stale: 'verification-stale',
};

const faults: readonly FaultCode[] = [
  'request-invalid',
  'client-certificate-missing',
  'client-certificate-unreadable',
  'client-certificate-refused',
  'verify-caller-unknown',
  'verification-stale',
];

/** `/v1/verify`: what a proxy asks about each request, so the way to a 200 is kept short. */
export function verify(parts: Pick<HttpParts, 'verifier' | 'metrics'>): FastifyPluginAsyncTypebox {
  const answer = (verdict: Verdict, reply: FastifyReply): void => {
    if (!verdict.admitted) throw refusal(verdict, reply);
    parts.metrics.verified(verdict.identity === undefined ? 'admitted-without-certificate' : 'admitted');
    if (verdict.identity !== undefined) reply.headers(verdict.identity);
    reply.send();
  };

  const refusal = ({ reason, detail }: Extract<Verdict, { admitted: false }>, reply: FastifyReply): Fault => {
    parts.metrics.verified(reason);
    reply.header('x-verify-reason', reason);
    const code = faultOfReason[reason] ?? 'client-certificate-refused';
    // RFC 9110 11.6.1 wants a challenge with a 401, and has none for certificates.
    if (faultCatalogue[code].status === 401) reply.header('www-authenticate', 'ClientCertificate');
    return new Fault(code, detail);
  };

  return async (app) => {
    app.get(
      '/v1/verify',
      {
        config: { public: true, quiet: true, faults },
        schema: {
          operationId: 'verifyClient',
          tags: ['live verification'],
          summary: 'Whether the client whose certificate was forwarded may come in, as of now',
          description: [
            "For a proxy's `auth-url`, `auth_request` or forwardAuth. No token: the caller proves itself by the key in the URL",
            'that this service has written to an Ingress, or by its network and key as VERIFY_CALLERS_FILE has them. The',
            'certificate is read from the one header that the caller is known to set itself.',
          ].join('\n'),
          querystring: Query,
          response: {
            200: {
              description: 'It may. Without identity headers: nobody, where the door lets nobody in, too.',
              type: 'null',
              headers: answerHeaders,
            },
          },
        },
      },
      (request, reply) => {
        const verdict = parts.verifier.verify({
          ...request.query,
          remoteAddress: request.socket.remoteAddress,
          headers: request.headers,
        });
        return verdict instanceof Promise
          ? verdict.then((settled) => answer(settled, reply))
          : answer(verdict, reply);
      },
    );
  };
}

const answerHeaders = Object.fromEntries(
  [...identityHeaders, omittedHeader].map((name) => [
    name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase()),
    { type: 'string', description: 'Percent-encoded where it is not printable ASCII.' },
  ]),
);
