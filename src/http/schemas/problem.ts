import { Type } from 'typebox';
import { Reason } from './common.ts';

export const ProblemSchema = Type.Object(
  {
    type: Type.String({
      description: '`urn:internal-ca:problem:<code>`. Stable: programs may rely on it.',
      examples: ['urn:internal-ca:problem:key-weak'],
    }),
    title: Type.String({ examples: ['The key is weak'] }),
    status: Type.Integer({ examples: [400] }),
    detail: Type.String({ examples: ['An RSA key must have at least 2048 bits; this one has 1024.'] }),
    instance: Type.String({
      description: 'The request id, as in X-Request-Id and in the log.',
      examples: ['urn:internal-ca:request:6f4d3f0e-7f0a-4f9f-9a8e-0d5c8b1c2a11'],
    }),
    field: Type.Optional(
      Type.String({
        description: 'The member at fault: a JSON pointer, or a field of the CSR.',
        examples: ['/csr'],
      }),
    ),
    reasons: Type.Optional(Type.Array(Reason, { description: 'Every reason, where there are several.' })),
    permission: Type.Optional(
      Type.String({ description: 'The permission that is missing.', examples: ['certificates:issue'] }),
    ),
  },
  { description: 'RFC 9457. Every error is one of these.' },
);
