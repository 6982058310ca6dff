import type { IssuanceService } from '../issuance/issuance-service.ts';
import type { RevocationService } from '../revocation/revocation-service.ts';
import type { Metrics } from './metrics.ts';

/** The service, counting what it issues and how long that takes. Refusals are counted where they are answered. */
export function measuredIssuance(
  service: IssuanceService,
  metrics: Pick<Metrics, 'certificateIssued' | 'issuanceTook'>,
): IssuanceService {
  return {
    profiles: () => service.profiles(),
    async issue(request) {
      const started = performance.now();
      const issued = await service.issue(request);
      // A replay under an Idempotency-Key is no new certificate.
      if (!issued.replayed) {
        metrics.certificateIssued(issued.authority, issued.profile);
        metrics.issuanceTook(issued.profile, (performance.now() - started) / 1000);
      }
      return issued;
    },
  };
}

/** The service, counting what it revokes. */
export function measuredRevocation(
  service: RevocationService,
  metrics: Pick<Metrics, 'certificateRevoked'>,
): RevocationService {
  return {
    async revoke(request) {
      const revocation = await service.revoke(request);
      if (revocation.created) metrics.certificateRevoked(revocation.reason);
      return revocation;
    },
  };
}
