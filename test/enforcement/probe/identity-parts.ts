import type { Authority } from '../../../src/authority/authority.ts';
import { createAuthorityRegistry } from '../../../src/authority/authority.ts';
import { type Clock, systemClock } from '../../../src/clock.ts';
import { type ProbeIdentityParts, probeProfile } from '../../../src/enforcement/probe/identities.ts';
import { createIssuanceService } from '../../../src/issuance/issuance-service.ts';
import { createTemplateSource } from '../../../src/issuance/templates.ts';
import type { CertificateRecord, CertificateStore } from '../../../src/store/certificates.ts';
import type { RevocationRequest } from '../../../src/store/revocations.ts';

/** The real issuance over rows in memory, or over the store given. */
export async function probeIdentityParts(
  authorities: readonly [Authority, ...Authority[]],
  change: {
    readonly clock?: Clock;
    readonly rows?: CertificateRecord[];
    /** Serials are put into it when they are revoked. */
    readonly revoked?: Set<string>;
    readonly revocations?: ProbeIdentityParts['revocations'];
    readonly certificates?: Pick<CertificateStore, 'insert' | 'findByIdempotencyKey'>;
  } = {},
): Promise<ProbeIdentityParts> {
  const registry = createAuthorityRegistry(authorities);
  const clock = change.clock ?? systemClock;
  const certificates = change.certificates ?? {
    async insert(record: CertificateRecord) {
      change.rows?.push(record);
      return 'inserted' as const;
    },
    findByIdempotencyKey: async () => undefined,
  };
  const issuance = createIssuanceService({
    authorities: registry,
    certificates,
    profiles: [probeProfile],
    templates: createTemplateSource(undefined),
    clock,
    backdateSeconds: 60,
  });
  const revocations = change.revocations ?? {
    async revoke({ serial, reason, revokedAt, requester }: RevocationRequest) {
      change.revoked?.add(serial);
      return { revocation: { reason, revokedAt, requester }, created: true };
    },
  };
  return { issuance, revocations, authorities: registry, clock };
}
