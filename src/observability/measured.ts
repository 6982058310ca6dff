import type { IssuanceService } from '../issuance/issuance-service.ts';
import type { BulkRevocationService } from '../revocation/bulk-revocation.ts';
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

/** The service, counting what it revokes and releases. */
export function measuredRevocation(
  service: RevocationService,
  metrics: Pick<Metrics, 'certificateRevoked' | 'holdReleased'>,
): RevocationService {
  return {
    async revoke(request) {
      const revocation = await service.revoke(request);
      if (revocation.revoked > 0) metrics.certificateRevoked(revocation.reason, revocation.revoked);
      return revocation;
    },
    async release(request) {
      const release = await service.release(request);
      metrics.holdReleased();
      return release;
    },
  };
}

/** The service, counting what it revokes. */
export function measuredBulkRevocation(
  service: BulkRevocationService,
  metrics: Pick<Metrics, 'certificateRevoked'>,
): BulkRevocationService {
  return {
    async revokeMatching(request) {
      const outcome = await service.revokeMatching(request);
      if (!outcome.dryRun && outcome.revoked > 0) metrics.certificateRevoked(outcome.reason, outcome.revoked);
      return outcome;
    },
  };
}
