import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { HttpParts } from '../parts.ts';
import { answer, textForm } from '../schemas/common.ts';

const tags = ['operations'];

/** `/livez`, `/readyz` and `/metrics` */
export function operations(parts: Pick<HttpParts, 'health' | 'metrics'>): FastifyPluginAsyncTypebox {
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
    app.get(
      '/metrics',
      {
        config: { permission: 'metrics:read' },
        schema: {
          operationId: 'metrics',
          tags,
          summary: 'Figures in the Prometheus text format',
          response: { 200: { description: 'The figures.', content: { 'text/plain': textForm } } },
        },
      },
      async (_request, reply) => reply.type(parts.metrics.contentType).send(await parts.metrics.render()),
    );
  };
}
