import { Type } from 'typebox';
import { Fingerprint, Pem, Time } from './common.ts';

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
