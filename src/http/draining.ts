import type { FastifyInstance } from 'fastify';
import { Fault } from '../fault.ts';

/**
 * Once `app.close()` has begun, requests in flight finish and new ones on connections that are still open are refused
 * with 503 `draining` and `Connection: close`, so that clients go elsewhere.
 */
export function refuseWhileDraining(app: FastifyInstance): void {
  let draining = false;
  app.addHook('preClose', async () => {
    draining = true;
  });
  app.addHook('onRequest', async () => {
    if (draining) throw new Fault('draining', 'The service is shutting down.', { retryAfterSeconds: 1 });
  });
}
