import type { FastifyInstance, FastifyRequest } from 'fastify';

type Conversion = (text: string) => unknown;

const integerForm = /^-?\d{1,15}$/;
const conversions: Readonly<Record<string, Conversion>> = {
  integer: (text) => (integerForm.test(text) ? Number(text) : text),
  boolean: (text) => (text === 'true' ? true : text === 'false' ? false : text),
};

/**
 * A query holds text only. Where a route's schema wants an integer or a boolean, text that is exactly one becomes it;
 * all else is left for the schema to refuse. ajv's own coercion is off, since it would also bend bodies (`"5"` into 5,
 * null into an empty string).
 */
export function convertQueries(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    const members = convertible(route.schema?.querystring);
    if (members.length === 0) return;
    const convert = async (request: FastifyRequest): Promise<void> => {
      const query = request.query;
      if (typeof query !== 'object' || query === null) return;
      for (const [name, conversion] of members) {
        const value: unknown = Reflect.get(query, name);
        if (typeof value === 'string') Reflect.set(query, name, conversion(value));
      }
    };
    route.preValidation = [convert, ...[route.preValidation ?? []].flat()];
  });
}

function convertible(schema: unknown): [string, Conversion][] {
  if (!isRecord(schema) || !isRecord(schema.properties)) return [];
  return Object.entries(schema.properties).flatMap(([name, member]): [string, Conversion][] => {
    const type = isRecord(member) ? member.type : undefined;
    const conversion = typeof type === 'string' ? conversions[type] : undefined;
    return conversion === undefined ? [] : [[name, conversion]];
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
