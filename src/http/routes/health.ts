import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { HttpParts } from '../parts.ts';
import { answer } from '../schemas/common.ts';

const tags = ['operations'];

/** `/livez` and `/readyz` */
export function health(parts: Pick<HttpParts, 'health'>): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/livez',
      {
        config: { public: true },
        schema: {
          operationId: 'live',
          tags,
          summary: 'Whether the process answers',
          response: { 200: answer('It does.', Type.Object({ status: Type.Enum(['ok']) })) },
        },
      },
      async (_request, reply) => reply.send({ status: 'ok' }),
    );
    app.get(
      '/readyz',
      {
        config: { public: true },
        schema: {
          operationId: 'ready',
          tags,
          summary: 'Whether the service can do its work, check by check',
          response: {
            200: answer('It can.', 'Readiness'),
            503: answer('It cannot: a required check is failing.', 'Readiness'),
          },
        },
      },
      async (_request, reply) => {
        const { ready, checks } = await parts.health.report();
        if (!ready) reply.code(503).header('retry-after', '5');
        return reply.send({ status: ready ? 'ready' : 'not-ready', checks });
      },
    );
  };
}
