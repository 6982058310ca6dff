import type { Budget } from '../budget/budget.ts';
import { createBudgetEvents } from '../budget/budget-events.ts';
import { type BudgetParts, createBudget } from '../budget/create-budget.ts';
import { createDoors } from '../budget/doors.ts';
import type { OverBudgetPolicy } from '../budget/next-stage.ts';
import type { Config } from '../config/config.ts';
import type { ProbeReports } from '../enforcement/probe/probe-report.ts';
import { createVerificationRecords } from '../enforcement/verification-records.ts';
import type { KubernetesApi } from '../kubernetes/client.ts';
import type { EventRecorder } from '../kubernetes/event-recorder.ts';
import type { Metrics } from '../observability/metrics.ts';
import { secretLimitBytes } from '../publication/secret-manifest.ts';
import type { createClientVerificationStore } from '../store/client-verifications.ts';
import { createCrlBudgetStore } from '../store/crl-budget.ts';
import type { Database } from '../store/database.ts';
import { createPublicationStore } from '../store/publications.ts';
import type { ServiceInput } from './service-input.ts';
import { visibleNamespaces } from './visible-namespaces.ts';

interface BudgetingParts {
  readonly database: Database;
  readonly kubernetes: KubernetesApi | undefined;
  readonly events: EventRecorder | undefined;
  readonly metrics: Metrics;
  readonly verifications: ReturnType<typeof createClientVerificationStore>;
  readonly probes: Pick<ProbeReports, 'onlineProven'> | undefined;
}

export function openBudget(
  { config, clock, log }: ServiceInput,
  parts: BudgetingParts,
  cleanUp: AsyncDisposableStack,
): Budget {
  const cluster = clusterOf(config, parts);
  const budget = createBudget({
    policy: policyOf(config),
    limitBytes: secretLimitBytes,
    store: createCrlBudgetStore(parts.database),
    ...(cluster === undefined ? {} : { cluster }),
    clock,
    metrics: parts.metrics,
    log,
  });
  cleanUp.defer(() => budget.close());
  return budget;
}

function clusterOf(
  config: Config,
  { database, kubernetes, events, verifications, probes }: BudgetingParts,
): BudgetParts['cluster'] {
  if (kubernetes === undefined || events === undefined || probes === undefined) return undefined;
  const { secretName } = config.publication;
  const { namespace: ownNamespace } = kubernetes;
  const records = createVerificationRecords(verifications);
  const publications = createPublicationStore(database);
  return {
    doors: createDoors({
      api: kubernetes,
      secretName,
      visibleNamespaces: visibleNamespaces(config, ownNamespace),
      async enforced() {
        return (await records.list()).map(({ namespace, name, settings }) => ({
          namespace,
          name,
          asksForCertificates: settings.mode !== 'off',
        }));
      },
      onlineProven: (namespace, name) => probes.onlineProven(namespace, name),
    }),
    copies: () => publications.list(),
    events: createBudgetEvents({ recorder: events, ownNamespace, secretName }),
  };
}

/** What `auto` comes to: without a probe nothing can be proven. */
function policyOf({ budget, verification, enforcement }: Config): OverBudgetPolicy {
  if (budget.policy !== 'auto') return budget.policy;
  return verification.url !== undefined && enforcement.probe.mode === 'on' ? 'online' : 'compact';
}
