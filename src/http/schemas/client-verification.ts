import { Type } from 'typebox';
import { allowRuleKinds, maxAllowRules, maxAllowValue } from '../../verification/allow-rule.ts';
import { closed, Label, PlainText, Reason, Time } from './common.ts';
import { OnlineProvenAt } from './probe.ts';

const AllowRule = Type.Union(
  allowRuleKinds.map((kind) => Type.Object({ [kind]: PlainText(1, maxAllowValue) }, closed)),
  {
    description:
      'What the certificate says: a whole value; `dns` may begin with `*.` for one label, `uri` may end in `*` behind a / or a :.',
  },
);

export const ClientVerificationWish = Type.Object(
  {
    mode: Type.Optional(
      Type.Enum(['on', 'optional', 'off'], {
        description:
          '`on` (default): no request without a valid certificate. `optional`: none or a valid one. `off`: nobody is asked.',
      }),
    ),
    authority: Type.Optional(Label),
    controller: Type.Optional(
      Type.Enum(['auto', 'ingress-nginx'], { description: '`auto`: concluded from the IngressClass.' }),
    ),
    passCertificate: Type.Optional(
      Type.Boolean({ description: "Hand the client's certificate to the upstream; default true." }),
    ),
    errorPage: Type.Optional(
      PlainText(
        1,
        512,
        'Where a client without a valid certificate is sent: https://…, a local path, or @name.',
      ),
    ),
    matchCommonName: Type.Optional(
      PlainText(1, 64, "The exact commonName of the client's subject; * means any."),
    ),
    revocation: Type.Optional(
      Type.Enum(['crl', 'online', 'both'], {
        description:
          'How a revoked certificate is noticed. `crl` (default): the controller reads the list. `online`: it asks the service about each request (VERIFY_URL). `both`: one refusal of either is enough.',
      }),
    ),
    allow: Type.Optional(
      Type.Array(AllowRule, {
        minItems: 1,
        maxItems: maxAllowRules,
        description: 'Who is let in, one rule that fits being enough; with `online` or `both`.',
        examples: [[{ commonName: 'alice' }, { dns: '*.devices.example' }]],
      }),
    ),
  },
  { ...closed, examples: [{ mode: 'on', passCertificate: true }] },
);

const RevocationMode = Type.Enum(['crl', 'online', 'both']);
const texts = Type.Record(Type.String(), Type.String());
const textsOrNull = Type.Record(Type.String(), Type.Union([Type.String(), Type.Null()]));

export const ClientVerificationSchema = Type.Object({
  namespace: Type.String({ examples: ['shop'] }),
  name: Type.String({ examples: ['web'] }),
  origin: Type.Enum(['api', 'annotation'], {
    description: 'Who wishes it: whoever called, or the Ingress by its annotation.',
  }),
  controller: Type.String({ examples: ['ingress-nginx'] }),
  authority: Type.String({ examples: ['internal-ca'] }),
  mode: Type.Enum(['on', 'optional', 'off']),
  passCertificate: Type.Boolean(),
  errorPage: Type.Optional(Type.String()),
  matchCommonName: Type.Optional(Type.String()),
  revocation: Type.Object(
    {
      wished: RevocationMode,
      effective: RevocationMode,
      why: Type.Optional(Reason),
    },
    {
      description:
        'How a revoked certificate is noticed. `effective` is more than wished where the CRL has outgrown its Secret; `why` says so, or why that cannot be.',
    },
  ),
  allow: Type.Optional(Type.Array(Type.Record(Type.String(), Type.String()))),
  hosts: Type.Array(Type.String(), {
    description: 'Every host whose clients are asked.',
    examples: [['shop.example']],
  }),
  secret: Type.Object({ namespace: Type.String(), name: Type.String() }),
  annotations: Type.Object(
    { written: texts, before: textsOrNull },
    {
      description:
        'What was written, and what stood there before (null: nothing); DELETE restores exactly that.',
    },
  ),
  revocationEnforced: Type.Boolean({
    description:
      'Whether the controller consults the CRL, or asks the service, about every certificate it is shown.',
  }),
  warnings: Type.Array(Reason),
  state: Type.Enum([
    'Planned',
    'Undone',
    'Undoing',
    'Missing',
    'Pending',
    'Conflict',
    'Drifted',
    'Off',
    'NotEnforced',
    'Unsafe',
    'Enforced',
  ]),
  observed: Type.Object({
    ingress: Type.Enum(['present', 'missing', 'recreated'], {
      description: '`recreated`: another one of the name, on which nothing was written yet.',
    }),
    differences: Type.Array(
      Type.Object({
        annotation: Type.String(),
        wanted: Type.Union([Type.String(), Type.Null()]),
        found: Type.Union([Type.String(), Type.Null()]),
        manager: Type.Optional(Type.String({ description: 'The field manager that holds it.' })),
      }),
      { description: 'Each annotation that is not as it was written.' },
    ),
    conflicts: Type.Array(
      Type.Object({
        annotation: Type.String(),
        manager: Type.String(),
        found: Type.Union([Type.String(), Type.Null()]),
        wanted: Type.Union([Type.String(), Type.Null()]),
      }),
      { description: 'In state `Conflict`: who holds what, and is not fought.' },
    ),
    problems: Type.Array(Reason, {
      description: 'Why a PUT would be refused now, or the last attempt failed.',
    }),
    secret: Type.Optional(
      Type.Object(
        {
          crlNumber: Type.Optional(Type.String()),
          writtenAt: Type.Optional(Time),
          error: Type.Optional(Type.String({ description: 'Why it is not the newest.' })),
        },
        { description: 'The copy of ca.crt and ca.crl beside the Ingress, as far as is known.' },
      ),
    ),
    probe: Type.Optional(
      Type.Object(
        {
          verdict: Type.Enum(['confirmed', 'contradicted', 'inconclusive']),
          probedAt: Time,
          onlineProvenAt: Type.Optional(OnlineProvenAt),
          reasons: Type.Array(Reason),
        },
        { description: 'What the door did when it was last tried.' },
      ),
    ),
  }),
  dryRun: Type.Boolean(),
  requester: Type.String({
    description: 'Who wished it.',
    examples: ['token:3f9c', 'serviceaccount:ci:deployer', 'annotation'],
  }),
  createdAt: Time,
  updatedAt: Time,
});

export const ClientVerificationListSchema = Type.Object({
  items: Type.Array(Type.Ref('ClientVerification#')),
});
