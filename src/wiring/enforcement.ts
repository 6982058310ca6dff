import type { AuthorityRegistry } from '../authority/authority.ts';
import type { Config } from '../config/config.ts';
import { ingressNginx } from '../enforcement/adapters/ingress-nginx.ts';
import { createEnforcementService, type EnforcementService } from '../enforcement/enforcement-service.ts';
import type { EventSink } from '../enforcement/events.ts';
import type { EnforcementSettings } from '../enforcement/planning.ts';
import type { ProbeReports } from '../enforcement/probe/probe-report.ts';
import { createEnforcementReconciler } from '../enforcement/reconciler.ts';
import type { RevocationBudget } from '../enforcement/revocation.ts';
import { createTurn } from '../enforcement/turn.ts';
import { createVerificationRecords } from '../enforcement/verification-records.ts';
import type { KubernetesApi } from '../kubernetes/client.ts';
import type { LeaderWork } from '../leadership/leadership.ts';
import type { Publisher } from '../publication/publisher.ts';
import type { createClientVerificationStore } from '../store/client-verifications.ts';
import type { Database } from '../store/database.ts';
import { copyOwner } from './copy-owner.ts';
import type { ServiceInput } from './service-input.ts';
import type { VerifyUrls } from './verification.ts';
import { visibleNamespaces } from './visible-namespaces.ts';

interface EnforcingParts {
  readonly kubernetes: KubernetesApi | undefined;
  readonly database: Database;
  readonly verifications: ReturnType<typeof createClientVerificationStore>;
  readonly publisher: Publisher;
  readonly authorities: AuthorityRegistry;
  readonly probes?: ProbeReports | undefined;
  readonly verifyUrls: Pick<VerifyUrls, 'urlFor'>;
  readonly budget?: RevocationBudget | undefined;
  readonly events?: EventSink | undefined;
}

/** The calls, which every replica answers, and the reconciler, which runs on the one that leads. */
export interface Enforcement extends EnforcementService {
  readonly leaderWork: LeaderWork;
}

/** Undefined without Kubernetes. */
export function openEnforcement(
  { config, log, clock }: ServiceInput,
  { kubernetes, database, verifications, verifyUrls, ...others }: EnforcingParts,
): Enforcement | undefined {
  if (kubernetes === undefined) return undefined;
  const parts = {
    ...others,
    kubernetes,
    verifyUrlFor: verifyUrls.urlFor,
    records: createVerificationRecords(verifications),
    withAdvisoryLock: <T>(key: string, work: () => Promise<T>) => database.withAdvisoryLock(key, work),
    clock,
    adapters: [ingressNginx] as const,
    settings: settingsOf(config, kubernetes),
    warn: (message: string, error: unknown) => log.warn({ err: error }, message),
  };
  const inTurn = createTurn(parts);
  return {
    ...createEnforcementService(parts, inTurn),
    leaderWork: createEnforcementReconciler({ parts, inTurn, log }),
  };
}

function settingsOf(config: Config, kubernetes: KubernetesApi): EnforcementSettings {
  const { probe: _probe, ...settings } = config.enforcement;
  const visible = visibleNamespaces(config, kubernetes.namespace);
  return {
    ...settings,
    secretName: config.publication.secretName,
    copyOwner: copyOwner(config, kubernetes),
    ...(visible === undefined ? {} : { visibleNamespaces: visible }),
  };
}
