import type { AuthorityRegistry } from '../authority/authority.ts';
import { ingressNginx } from '../enforcement/adapters/ingress-nginx.ts';
import { createEnforcementService, type EnforcementService } from '../enforcement/enforcement-service.ts';
import { createVerificationRecords } from '../enforcement/verification-records.ts';
import type { KubernetesApi } from '../kubernetes/client.ts';
import type { Publisher } from '../publication/publisher.ts';
import type { createClientVerificationStore } from '../store/client-verifications.ts';
import type { Database } from '../store/database.ts';
import type { ServiceInput } from './service-input.ts';

interface EnforcingParts {
  readonly kubernetes: KubernetesApi | undefined;
  readonly database: Database;
  readonly verifications: ReturnType<typeof createClientVerificationStore>;
  readonly publisher: Publisher;
  readonly authorities: AuthorityRegistry;
}

export function openEnforcement(
  { config, log, clock }: ServiceInput,
  parts: EnforcingParts,
): EnforcementService | undefined {
  const { kubernetes, database, verifications, publisher, authorities } = parts;
  if (kubernetes === undefined) return undefined;
  return createEnforcementService({
    kubernetes,
    records: createVerificationRecords(verifications),
    publisher,
    authorities,
    withAdvisoryLock: (key, work) => database.withAdvisoryLock(key, work),
    clock,
    adapters: [ingressNginx],
    settings: { ...config.enforcement, secretName: config.publication.secretName },
    warn: (message, error) => log.warn({ err: error }, message),
  });
}
