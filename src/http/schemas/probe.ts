import { Type } from 'typebox';
import { Reason, Time } from './common.ts';

const ProbeAnswerSchema = Type.Object(
  {
    kind: Type.Enum([
      'http',
      'tls-alert',
      'refused',
      'timeout',
      'reset',
      'closed',
      'unresolved',
      'unreachable',
      'tls-failed',
      'malformed',
    ]),
    status: Type.Optional(Type.Integer({ description: 'With `http`.', examples: [400] })),
    location: Type.Optional(Type.String({ description: 'With `http`: where a redirect leads.' })),
    refusal: Type.Optional(
      Type.Enum(
        [
          'no-certificate',
          'bad-certificate',
          'name-not-allowed',
          'error-page',
          'closed',
          'unauthenticated',
          'unverifiable',
          'perhaps',
        ],
        {
          description:
            "With `http`: what the controller's own words mean; absent where the answer may be the application's.",
        },
      ),
    ),
    alert: Type.Optional(
      Type.String({
        description: 'With `tls-alert`: its name in RFC 8446.',
        examples: ['certificate_required'],
      }),
    ),
  },
  { description: 'What the connection came to.' },
);

const ProbeCheckSchema = Type.Object({
  name: Type.Enum([
    'no-certificate',
    'our-certificate',
    'unknown-authority',
    'revoked-certificate',
    'plain-http',
    'plain-http-forwarded',
  ]),
  expected: Type.Enum(['refused', 'let-in', 'refused-for-its-name', 'redirected-or-refused', 'anything']),
  answer: ProbeAnswerSchema,
  outcome: Type.Enum(['as-expected', 'contradicts', 'unclear']),
  detail: Type.String({ examples: ['HTTP 400 (no-certificate).'] }),
});

export const OnlineProvenAt = Type.String({
  format: 'date-time',
  maxLength: 40,
  description:
    'When a revoked certificate that is on no CRL was last seen refused on every host, with revocation `online` or `both`.',
});

export const ProbeReportSchema = Type.Object({
  namespace: Type.String({ examples: ['shop'] }),
  name: Type.String({ examples: ['web'] }),
  verdict: Type.Enum(['confirmed', 'contradicted', 'inconclusive'], {
    description:
      '`confirmed`: every host did what is wished. `contradicted`: at least one did not. `inconclusive`: not everything could be seen.',
  }),
  probedAt: Time,
  onlineProvenAt: Type.Optional(OnlineProvenAt),
  address: Type.Optional(
    Type.String({
      description: 'Where the connections went; absent when no address is known.',
      examples: ['ingress-nginx-controller.ingress-nginx.svc'],
    }),
  ),
  hosts: Type.Array(
    Type.Object({
      host: Type.String({ examples: ['shop.example'] }),
      serverName: Type.String({
        description: 'Sent as SNI and Host: a label of ours in place of an asterisk.',
        examples: ['shop.example'],
      }),
      checks: Type.Array(ProbeCheckSchema),
    }),
  ),
  reasons: Type.Array(Reason, { description: 'Why the verdict is not `confirmed`.' }),
});
