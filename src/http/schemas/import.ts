import { Type } from 'typebox';

const count = (description: string, example = 0) => Type.Integer({ description, examples: [example] });

export const ImportReportSchema = Type.Object({
  dryRun: Type.Boolean(),
  read: count('Blocks, lines or entries.', 1204),
  recorded: count('Certificates that are on record now.', 1198),
  alreadyKnown: count('Certificates that were on record before.'),
  expired: count(
    'What ended more than a day ago: such certificates are left out, such revocations are on no CRL.',
    3,
  ),
  passedOver: count("The CA's own certificate, and PEM blocks of other kinds.", 1),
  revoked: count('Revoked now, those of `expired` and `siblings` aside.', 87),
  withoutCertificate: count(
    'How many of those revoked now, and of the valid ones of an index, are of certificates that are not on record.',
  ),
  changed: count('Revoked before, and now with another reason, date, end or certificate.'),
  alreadyRevoked: count('Revoked before, and as they were.'),
  notRevoked: count('Lines of valid certificates, and holds that were released.'),
  siblings: count('Other certificates of compromised keys, revoked with them.'),
  crlNumber: Type.Optional(
    Type.String({
      description: 'The highest CRLNumber that was read; our CRLs are above it.',
      examples: ['17'],
    }),
  ),
  problemCount: count('How many there were.', 1),
  problems: Type.Array(
    Type.Object({
      position: Type.Integer({
        description: 'The line, the line where the block begins, or the number of the entry; from 1.',
        examples: [42],
      }),
      serial: Type.Optional(Type.String({ description: 'Lower-case hex.', examples: ['0a'] })),
      code: Type.String({ description: 'Stable, kebab-case.', examples: ['signature-invalid'] }),
      detail: Type.String({ examples: ['It is not signed with the key of internal-ca'] }),
    }),
    { description: 'The first hundred lines, blocks or entries that were not taken as they are.' },
  ),
});
