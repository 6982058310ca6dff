import type { AuthorityRegistry } from '../authority/authority.ts';
import type { EnforcementService } from '../enforcement/enforcement-service.ts';
import { probeProfile } from '../enforcement/probe/identities.ts';
import type { Metrics } from '../observability/metrics.ts';
import { type ExpiryWindow, expiryWindows } from '../observability/scrape.ts';
import { responderName } from '../ocsp/responder-profile.ts';
import type { createCertificateStore } from '../store/certificates.ts';
import type { Database } from '../store/database.ts';
import { createProbeStore } from '../store/probes.ts';
import type { ServiceInput } from './service-input.ts';

const expiryWindowNames: readonly ExpiryWindow[] = ['24h', '7d', '30d'];

interface ScrapedParts {
  readonly metrics: Metrics;
  readonly database: Pick<Database, 'ping' | 'query'>;
  readonly certificates: ReturnType<typeof createCertificateStore>;
  readonly authorities: AuthorityRegistry;
  readonly enforcement: EnforcementService | undefined;
}

export function attachScrapes(
  { config, clock }: ServiceInput,
  { metrics, database, certificates, authorities, enforcement }: ScrapedParts,
): void {
  const probes = createProbeStore(database);
  metrics.attach({
    async expiring() {
      const now = clock.now();
      const windows = authorities.list().flatMap(({ name }) =>
        expiryWindowNames.map(async (within) => ({
          authority: name,
          within,
          count: await certificates.countExpiring(
            name,
            new Date(now),
            new Date(now + expiryWindows[within] * 1000),
            [probeProfile.name, responderName],
          ),
        })),
      );
      return await Promise.all(windows);
    },
    async enforced() {
      const counts = new Map<string, number>();
      for (const { state } of (await enforcement?.list()) ?? [])
        counts.set(state, (counts.get(state) ?? 0) + 1);
      return counts;
    },
    contradictedProbes: () => probes.count('contradicted'),
    pingDatabase: () => database.ping(),
    lifetimes: () =>
      authorities.list().map(({ name, certificate }) => ({
        authority: name,
        secondsToExpiry: (certificate.notAfter.getTime() - clock.now()) / 1000,
      })),
    crlOverlapSeconds: config.crl.overlapSeconds,
  });
}
