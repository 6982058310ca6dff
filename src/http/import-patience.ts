import type { FastifyInstance } from 'fastify';

/**
 * Node ends every request that has not arrived within the server's time, however much of it has: while an import is under way, that
 * time is not counted. What bounds an import is that each piece comes in time (`importBody`); heads of requests keep their own time,
 * and callers are known before their bodies are read.
 */
export function createImportPatience({
  server,
}: Pick<FastifyInstance, 'server'>): <T>(work: () => Promise<T>) => Promise<T> {
  const usual = server.requestTimeout;
  let under = 0;
  return async (work) => {
    under += 1;
    server.requestTimeout = 0;
    try {
      return await work();
    } finally {
      under -= 1;
      if (under === 0) server.requestTimeout = usual;
    }
  };
}
