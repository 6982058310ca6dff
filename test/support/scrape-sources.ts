import type { ScrapeSources } from '../../src/observability/scrape.ts';

/** Sources of a service in which nothing has happened yet. */
export const quietSources: ScrapeSources = {
  expiring: async () => [],
  enforced: async () => new Map(),
  contradictedProbes: async () => 0,
  pingDatabase: async () => undefined,
  lifetimes: () => [],
  crlOverlapSeconds: 0,
};
