import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { KeyUsage } from '../x509/extensions.ts';
import type { KeyPolicy } from '../x509/key-policy.ts';
import type { Pattern } from './pattern.ts';

/** The kinds of subject alternative name that a profile can allow. */
export type SubjectAltNameKind = 'dns' | 'email' | 'uri' | 'ip';

/** What may be issued under a name: data, not code. */
export interface Profile {
  readonly name: string;
  readonly description: string;
  readonly keys: KeyPolicy;
  readonly keyUsage: readonly KeyUsage[];
  /** Names from `extendedKeyUsages`, or dotted OIDs. */
  readonly extendedKeyUsage: readonly string[];
  readonly defaultValiditySeconds: number;
  readonly maxValiditySeconds: number;
  readonly subject: { readonly allowed: readonly string[]; readonly required: readonly string[] };
  readonly subjectAltName: {
    readonly kinds: readonly SubjectAltNameKind[];
    readonly required: boolean;
    readonly wildcards: boolean;
    /** Anchored; a name of that kind must match. A kind without a pattern takes any well-formed name. */
    readonly patterns: Readonly<Partial<Record<SubjectAltNameKind, Pattern>>>;
  };
}

const closed = { additionalProperties: false };
const kinds = Type.Union([
  Type.Literal('dns'),
  Type.Literal('email'),
  Type.Literal('uri'),
  Type.Literal('ip'),
]);
const keyUsages = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
] as const satisfies readonly KeyUsage[];
const curves = Type.Union([Type.Literal('P-256'), Type.Literal('P-384'), Type.Literal('P-521')]);

/** The form of one profile in a profiles file. keyCertSign and cRLSign cannot be had: a leaf signs no certificates. */
export const ProfileDocument = Type.Object(
  {
    description: Type.String({ maxLength: 200 }),
    keys: Type.Object(
      {
        rsa: Type.Optional(
          Type.Object(
            {
              minBits: Type.Integer({ minimum: 2048, maximum: 8192 }),
              maxBits: Type.Integer({ minimum: 2048, maximum: 8192 }),
            },
            closed,
          ),
        ),
        ec: Type.Optional(Type.Array(curves)),
        ed25519: Type.Optional(Type.Boolean()),
      },
      closed,
    ),
    keyUsage: Type.Array(Type.Union(keyUsages.map((usage) => Type.Literal(usage))), { minItems: 1 }),
    extendedKeyUsage: Type.Array(Type.String(), { minItems: 1 }),
    defaultValidity: Type.Union([Type.String(), Type.Integer()]),
    maxValidity: Type.Union([Type.String(), Type.Integer()]),
    subject: Type.Object(
      { allowed: Type.Array(Type.String()), required: Type.Optional(Type.Array(Type.String())) },
      closed,
    ),
    subjectAltName: Type.Object(
      {
        kinds: Type.Array(kinds),
        required: Type.Optional(Type.Boolean()),
        wildcards: Type.Optional(Type.Boolean()),
        patterns: Type.Optional(
          Type.Object(
            {
              dns: Type.Optional(Type.String()),
              email: Type.Optional(Type.String()),
              uri: Type.Optional(Type.String()),
              ip: Type.Optional(Type.String()),
            },
            closed,
          ),
        ),
      },
      closed,
    ),
  },
  closed,
);

export const ProfilesDocument = Type.Object(
  {
    profiles: Type.Record(Type.String(), ProfileDocument),
  },
  closed,
);

export const profilesDocumentCheck = Compile(ProfilesDocument);
