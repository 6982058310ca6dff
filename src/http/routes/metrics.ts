import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { HttpParts } from '../parts.ts';
import { textForm } from '../schemas/common.ts';

/** `/metrics` */
export function metrics(parts: Pick<HttpParts, 'metrics'>): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/metrics',
      {
        config: { permission: 'metrics:read' },
        schema: {
          operationId: 'metrics',
          tags: ['operations'],
          summary: 'Figures in the Prometheus text format',
          response: { 200: { description: 'The figures.', content: { 'text/plain': textForm } } },
        },
      },
      async (_request, reply) => reply.type(parts.metrics.contentType).send(await parts.metrics.render()),
    );
  };
}
