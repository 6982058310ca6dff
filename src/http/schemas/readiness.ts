import { Type } from 'typebox';

export const ReadinessSchema = Type.Object({
  status: Type.Enum(['ready', 'not-ready']),
  checks: Type.Array(
    Type.Object({
      name: Type.String({ examples: ['database'] }),
      required: Type.Boolean({ description: 'Whether the service is not ready without it.' }),
      status: Type.Enum(['ok', 'failing']),
      detail: Type.Optional(Type.String()),
    }),
  ),
});
