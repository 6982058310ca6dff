import { Type } from 'typebox';
import { revocationReasons } from '../../x509/revocation-reason.ts';
import { closed, Fingerprint, Label, Pem, PlainText, Time } from './common.ts';

export const Metadata = Type.Record(Type.String(), PlainText(0, 512), {
  propertyNames: { type: 'string', pattern: '^[A-Za-z0-9._/-]{1,64}$' },
  maxProperties: 32,
  description: 'Up to 32 texts of your own, kept with the record; not part of the certificate.',
  examples: [{ ticket: 'OPS-1234' }],
});

export const Validity = Type.Union(
  [Type.String({ minLength: 2, maxLength: 64 }), Type.Integer({ minimum: 1, maximum: 3_155_760_000 })],
  {
    description:
      'How long: an ISO 8601 duration (a year counts 365 days, a month 30) or seconds. Default and limit: the profile.',
    examples: ['P90D', 7_776_000],
  },
);

export const CertificateRequest = Type.Object(
  {
    csr: Type.String({
      minLength: 1,
      maxLength: 65_536,
      description: 'A PKCS #10 request in PEM, at most 32 KiB.',
      examples: ['-----BEGIN CERTIFICATE REQUEST-----\nMIIB…\n-----END CERTIFICATE REQUEST-----\n'],
    }),
    profile: Type.Optional(Label),
    validity: Type.Optional(Validity),
    authority: Type.Optional(Label),
    metadata: Type.Optional(Metadata),
  },
  {
    ...closed,
    examples: [{ csr: '-----BEGIN CERTIFICATE REQUEST-----\nMIIB…', profile: 'client', validity: 'P90D' }],
  },
);

const recorded = {
  serial: Type.String({
    description: 'Lower-case hex of the octets.',
    examples: ['3f0c5a7b9d1e2f40516273849aabbccd'],
  }),
  authority: Type.String({ examples: ['internal-ca'] }),
  profile: Type.String({ examples: ['client'] }),
  subject: Type.String({ description: 'RFC 4514.', examples: ['CN=alice,O=Example'] }),
  sans: Type.Array(Type.String(), {
    description: 'Subject alternative names, each with its kind.',
    examples: [['dns:alice.example', 'email:alice@example.com']],
  }),
  notBefore: Time,
  notAfter: Time,
  fingerprint: Fingerprint,
  metadata: Type.Record(Type.String(), Type.String()),
};

export const IssuedCertificateSchema = Type.Object(
  {
    ...recorded,
    certificate: Pem,
    chain: Pem,
    notHonoured: Type.Array(Type.String(), {
      description:
        'What the CSR carries and the certificate does not: CSR attributes by name or dotted OID, and key usages that its kind of key has not. Empty when there is none.',
      examples: [['challengePassword', 'keyEncipherment']],
    }),
  },
  { description: 'A new certificate. `chain` holds the issuing CA first and the root last.' },
);

const revocationMembers = {
  reason: Type.Enum([...revocationReasons], { description: 'RFC 5280 section 5.3.1.' }),
  revokedAt: Time,
};

const certificateMembers = {
  ...recorded,
  requester: Type.String({ description: 'Who had it issued.', examples: ['token:4be1c0ffee123456'] }),
  state: Type.Enum(['valid', 'revoked', 'expired']),
  revocation: Type.Optional(
    Type.Object({
      ...revocationMembers,
      requester: Type.String(),
      crlNumber: Type.Optional(
        Type.String({ description: 'The first CRL that lists it; absent until one does.', examples: ['17'] }),
      ),
    }),
  ),
};

export const CertificateSummarySchema = Type.Object(certificateMembers);
export const CertificateSchema = Type.Object({ ...certificateMembers, certificate: Pem, chain: Pem });

export const CertificateListSchema = Type.Object({
  items: Type.Array(Type.Ref('CertificateSummary#')),
  nextCursor: Type.Optional(Type.String({ description: 'For the next page; absent on the last one.' })),
});
