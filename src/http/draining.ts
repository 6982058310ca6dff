import type { FastifyInstance } from 'fastify';
import { Fault } from '../fault.ts';

/**
 * Once `app.close()` has begun, requests in flight finish, and new ones on connections that are still open are refused
 * with 503 `draining`. Every answer from then on closes its connection: one that was kept alive would hold up the end.
 */
export function refuseWhileDraining(app: FastifyInstance): void {
  let draining = false;
  app.addHook('preClose', async () => {
    draining = true;
  });
  app.addHook('onRequest', (_request, _reply, done) => {
    done(
      draining ? new Fault('draining', 'The service is shutting down.', { retryAfterSeconds: 1 }) : undefined,
    );
  });
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (draining) reply.header('connection', 'close');
    done(null, payload);
  });
}
