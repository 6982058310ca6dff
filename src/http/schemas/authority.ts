import { Type } from 'typebox';
import { budgetStages } from '../../store/crl-budget.ts';
import { crlForms } from '../../store/publications.ts';
import { Fingerprint, Pem, Time } from './common.ts';

const formBudget = {
  form: Type.Enum([...crlForms], {
    description: '`full`: the CRL as it is. `compact`: without reason codes. `none`: no CRL.',
  }),
  usedBytes: Type.Integer({
    description: 'ca.crt and ca.crl; of a compact form that is not made yet, an estimate.',
  }),
  leftBytes: Type.Integer({ description: 'Below zero when it does not fit.' }),
  entriesLeft: Type.Union([Type.Integer(), Type.Null()], {
    description: 'Revocations that still fit, about; null where they take no room.',
  }),
  forecastDays: Type.Union([Type.Integer(), Type.Null()], {
    description:
      'Days until it is full at the rate of the last thirty days; null while that is not known, and where nothing grows.',
  }),
};

const SecretBudget = Type.Object(
  {
    limitBytes: Type.Integer({ description: 'What Kubernetes allows in one Secret.' }),
    stage: Type.Enum([...budgetStages], {
      description:
        '`full`, `compact`: the form of the CRL in every copy. `online`: Ingresses are moved to live verification, and where all that name a copy are proven to ask, it has no CRL. `returning`: the CRL goes back into every copy.',
    }),
    since: Type.Optional(Time),
    ...formBudget,
    next: Type.Optional(
      Type.Object(formBudget, {
        description: 'The same for the form that follows; absent when there is none by `SECRET_OVER_BUDGET`.',
      }),
    ),
    copiesWithoutCrl: Type.Integer(),
  },
  {
    description:
      'How much of the published Secret is used. It carries the certificates and CRLs of all authorities.',
  },
);

export const AuthoritySchema = Type.Object({
  name: Type.String({ examples: ['internal-ca'] }),
  default: Type.Boolean({ description: 'Whether it signs when a request names no authority.' }),
  subject: Type.String({ description: 'RFC 4514.', examples: ['CN=internal-ca'] }),
  serial: Type.String(),
  notBefore: Time,
  notAfter: Time,
  fingerprint: Fingerprint,
  certificate: Pem,
  chain: Type.String({ description: 'The CAs above, PEM; empty when it is self-signed.' }),
  crl: Type.Object(
    {
      number: Type.String({ description: 'CRLNumber, decimal.', examples: ['17'] }),
      thisUpdate: Time,
      nextUpdate: Time,
      entryCount: Type.Integer(),
      sizeBytes: Type.Integer({ description: 'Of the DER.' }),
      sha256: Type.String({ description: 'Lower-case hex, of the DER.' }),
    },
    { description: 'The current CRL.' },
  ),
  secret: Type.Optional(SecretBudget),
});

export const AuthorityListSchema = Type.Object({ items: Type.Array(Type.Ref('Authority#')) });

export const ProfileSchema = Type.Object({
  name: Type.String({ examples: ['client'] }),
  description: Type.String(),
  default: Type.Boolean({ description: 'Whether it is taken when a request names no profile.' }),
  keys: Type.Object({
    rsa: Type.Optional(Type.Object({ minBits: Type.Integer(), maxBits: Type.Integer() })),
    ec: Type.Array(Type.String(), { examples: [['P-256', 'P-384']] }),
    ed25519: Type.Boolean(),
  }),
  keyUsage: Type.Array(Type.String(), { examples: [['digitalSignature']] }),
  extendedKeyUsage: Type.Array(Type.String(), {
    description: 'Names of RFC 5280 4.2.1.12; dotted OIDs of others.',
    examples: [['clientAuth']],
  }),
  defaultValidity: Type.String({ description: 'ISO 8601 duration.', examples: ['P90D'] }),
  maxValidity: Type.String({ description: 'ISO 8601 duration.', examples: ['P365D'] }),
  subject: Type.Object({ allowed: Type.Array(Type.String()), required: Type.Array(Type.String()) }),
  subjectAltName: Type.Object({
    kinds: Type.Array(Type.String(), { examples: [['dns', 'email']] }),
    required: Type.Boolean(),
    wildcards: Type.Boolean({ description: 'Whether `*.example` is taken.' }),
    patterns: Type.Object(
      {
        dns: Type.Optional(Type.String()),
        email: Type.Optional(Type.String()),
        uri: Type.Optional(Type.String()),
        ip: Type.Optional(Type.String()),
      },
      { description: 'Regular expressions, anchored; a name of that kind must match.' },
    ),
  }),
});

export const ProfileListSchema = Type.Object({ items: Type.Array(Type.Ref('Profile#')) });
