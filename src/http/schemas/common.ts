import { Type } from 'typebox';

/** Every object of a request is closed: a misspelt member is refused, not ignored. */
export const closed = { additionalProperties: false } as const;

/** RFC 1123 label: the names of authorities, profiles and namespaces. */
export const Label = Type.String({ pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$' });

/** RFC 1123 subdomain: the name of an Ingress. */
export const Subdomain = Type.String({ pattern: '^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$' });

/** Formats that the JSON Schema validator learns besides those it knows. */
export const formats = { 'well-formed': (text: string) => text.isWellFormed() };

/**
 * Text without control characters and lone surrogates, neither of which PostgreSQL stores. The pattern is one that
 * every language's regular expressions understand, since clients are generated from it; so surrogates are a format.
 */
export function PlainText(minLength: number, maxLength: number, description?: string) {
  return Type.String({
    minLength,
    maxLength,
    pattern: '^[^\\x00-\\x1f\\x7f]*$',
    format: 'well-formed',
    ...(description === undefined ? {} : { description }),
  });
}

export const Time = Type.String({
  format: 'date-time',
  maxLength: 40,
  description: 'RFC 3339; answers are in UTC and whole seconds.',
  examples: ['2027-11-23T10:00:00Z'],
});

export const SerialText = Type.String({
  minLength: 2,
  maxLength: 96,
  pattern: '^[0-9A-Fa-f:]+$',
  description: 'Hex of the serial number; upper case and colons between octets are understood.',
  examples: ['3f0c5a7b9d1e2f40516273849aabbccd'],
});

export const Pem = Type.String({
  description: 'PEM (RFC 7468).',
  examples: ['-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----\n'],
});

export const Fingerprint = Type.String({
  description: 'Lower-case hex of the SHA-256 of the DER.',
  examples: ['9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab'],
});

export const Reason = Type.Object({ code: Type.String(), detail: Type.String() });

/** A component of the OpenAPI document, by its name. */
export function ref(name: string) {
  return Type.Ref(`${name}#`);
}

/** One answer of an operation: a JSON body by the component's name or by its schema. */
export function answer(description: string, schema: string | object, extra: { headers?: object } = {}) {
  return {
    description,
    ...extra,
    content: { 'application/json': { schema: typeof schema === 'string' ? ref(schema) : schema } },
  };
}

/** Another form of the same answer. `text` is for the document only: strings and buffers go out as they are. */
export const textForm = { schema: Type.String() };
export const binaryForm = { schema: Type.Unsafe<Buffer>({ type: 'string', format: 'binary' }) };
