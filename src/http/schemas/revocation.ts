import { Type } from 'typebox';
import { revocationReasons } from '../../x509/revocation-reason.ts';
import { closed, Label, PlainText, Time } from './common.ts';

const serialExamples = { examples: ['3f0c5a7b9d1e2f40516273849aabbccd'] };
const reason = Type.Enum([...revocationReasons], { description: 'RFC 5280 section 5.3.1.' });

const SiblingsSchema = Type.Object(
  {
    count: Type.Integer({ examples: [2] }),
    serials: Type.Array(Type.String(serialExamples), { description: 'The first hundred.' }),
  },
  {
    description:
      'With `keyCompromise`: the other certificates of the same key that have not expired. They are all revoked. Absent when there are none.',
  },
);

export const RevocationSchema = Type.Object({
  serial: Type.String({ description: 'Lower-case hex of the octets.', ...serialExamples }),
  reason,
  revokedAt: Time,
  siblings: Type.Optional(SiblingsSchema),
});

export const ReleaseSchema = Type.Object({
  serial: Type.String({ description: 'Lower-case hex of the octets.', ...serialExamples }),
  releasedAt: Time,
});

const Filter = Type.Object(
  {
    authority: Type.Optional(Label),
    requester: Type.Optional(PlainText(1, 512, 'Who had them issued, exactly.')),
    profile: Type.Optional(Label),
    subject: Type.Optional(
      PlainText(1, 512, 'A prefix of the common name or of the whole subject, as in the search.'),
    ),
    issuedAfter: Type.Optional(Time),
    issuedBefore: Type.Optional(Time),
    publicKey: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 8_192,
        description: 'A public key in PEM, or the SHA-256 of its SubjectPublicKeyInfo in hex.',
      }),
    ),
    all: Type.Optional(
      Type.Literal(true, {
        description:
          'Instead of everything else but `authority`: all of them. Then `expectedCount` must be said.',
      }),
    ),
  },
  { ...closed, description: 'All of what it says must hold. `issuedAfter` is included, `issuedBefore` not.' },
);

export const BulkRevocationRequest = Type.Object(
  {
    filter: Filter,
    reason,
    dryRun: Type.Optional(Type.Boolean({ description: 'Count, and change nothing.' })),
    expectedCount: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 2_147_483_647,
        description:
          'What a dry run has counted as `matched`. When another number matches, nothing is done (409). Must be said for more than 100.',
      }),
    ),
  },
  {
    ...closed,
    examples: [
      {
        filter: { requester: 'token:4be1c0ffee123456', issuedAfter: '2027-11-23T10:00:00Z' },
        reason: 'privilegeWithdrawn',
        dryRun: true,
      },
    ],
  },
);

export const BulkRevocationSchema = Type.Object({
  dryRun: Type.Boolean(),
  reason,
  matched: Type.Integer({
    description: 'How many certificates match that have not expired.',
    examples: [1204],
  }),
  alreadyRevoked: Type.Integer({
    description: 'How many of them were revoked before and stay as they are.',
    examples: [4],
  }),
  revoked: Type.Integer({
    description:
      'How many were revoked now; with `dryRun`, would be. Holds that become final are among them.',
    examples: [1200],
  }),
  serials: Type.Array(Type.String(serialExamples), {
    description: 'The first twenty that match, by serial.',
  }),
});
