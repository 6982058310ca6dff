import { Type } from 'typebox';
import { roles } from '../../access/caller.ts';
import { closed, PlainText, Time } from './common.ts';

const NameOrAll = Type.String({ pattern: '^(\\*|[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)$' });

export const GrantSchema = Type.Object(
  {
    role: Type.Enum([...roles]),
    profiles: Type.Optional(
      Type.Array(NameOrAll, {
        minItems: 1,
        maxItems: 64,
        description: 'For `issuer`, required; `*` is all.',
      }),
    ),
    namespaces: Type.Optional(
      Type.Array(NameOrAll, {
        minItems: 1,
        maxItems: 256,
        description: 'For `enforcer`, required; `*` is all.',
      }),
    ),
  },
  { ...closed, examples: [{ role: 'issuer', profiles: ['client'] }] },
);

export const NewTokenSchema = Type.Object(
  {
    name: PlainText(1, 128, 'What it is for, for people.'),
    grants: Type.Array(GrantSchema, { minItems: 1, maxItems: 16 }),
    expiresAt: Type.Optional(Time),
    expiresIn: Type.Optional(
      Type.Union(
        [Type.String({ minLength: 2, maxLength: 64 }), Type.Integer({ minimum: 1, maximum: 3_155_760_000 })],
        {
          description:
            'Instead of `expiresAt`: an ISO 8601 duration or seconds. Without either it does not expire.',
          examples: ['P90D'],
        },
      ),
    ),
  },
  {
    ...closed,
    examples: [{ name: 'ci', grants: [{ role: 'issuer', profiles: ['client'] }], expiresIn: 'P90D' }],
  },
);

const members = {
  id: Type.String({ examples: ['4be1c0ffee123456'] }),
  name: Type.String({ examples: ['ci'] }),
  grants: Type.Array(GrantSchema),
  state: Type.Enum(['active', 'expired', 'revoked']),
  createdAt: Time,
  createdBy: Type.String({ examples: ['token:first'] }),
  expiresAt: Type.Optional(Time),
  revokedAt: Type.Optional(Time),
};

export const TokenSchema = Type.Object(members, { description: 'A token without its secret.' });

export const CreatedTokenSchema = Type.Object(
  {
    ...members,
    token: Type.String({
      description: 'The token itself. It is shown this once and kept nowhere.',
      examples: ['ica_4be1c0ffee123456_…'],
    }),
  },
  { description: 'A new token with its secret.' },
);

export const TokenListSchema = Type.Object({ items: Type.Array(Type.Ref('Token#')) });
