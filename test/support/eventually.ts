import { setTimeout as delay } from 'node:timers/promises';

/**
 * Repeats `attempt` until it no longer throws; after `patienceMs` its last error is thrown. The patience is no promise
 * of the service: it only keeps a test that fails from running for ever.
 */
export async function eventually<T>(attempt: () => Promise<T> | T, patienceMs = 30_000): Promise<T> {
  const end = performance.now() + patienceMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > end) throw error;
      await delay(50);
    }
  }
}
