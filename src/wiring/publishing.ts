import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import type { KubernetesApi } from '../kubernetes/client.ts';
import type { EventRecorder } from '../kubernetes/event-recorder.ts';
import type { Leadership } from '../leadership/leadership.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { ClusterPublicationOptions } from '../publication/cluster-publication.ts';
import type { CopyForms } from '../publication/copy-forms.ts';
import { createPublisher, type FileOptions } from '../publication/create-publisher.ts';
import type { Publisher } from '../publication/publisher.ts';
import type { createClientVerificationStore } from '../store/client-verifications.ts';
import type { Database } from '../store/database.ts';
import { createPublicationStore } from '../store/publications.ts';
import { copyOwner } from './copy-owner.ts';
import type { ServiceInput } from './service-input.ts';
import { visibleNamespaces } from './visible-namespaces.ts';

interface PublishingParts {
  readonly metrics: Metrics;
  readonly database: Database;
  readonly kubernetes: KubernetesApi | undefined;
  readonly events: EventRecorder | undefined;
  readonly leadership: Pick<Leadership, 'currentEpoch'>;
  readonly budget: CopyForms;
  readonly verifications: ReturnType<typeof createClientVerificationStore>;
}

export function openPublisher(
  { config, log, clock }: ServiceInput,
  { metrics, kubernetes, events, budget, ...parts }: PublishingParts,
  cleanUp: AsyncDisposableStack,
): Publisher {
  const publisher = createPublisher({
    clock,
    log,
    metrics,
    forms: budget,
    secretName: config.publication.secretName,
    ...(kubernetes === undefined || events === undefined
      ? { files: files(config) }
      : { cluster: cluster(config, { kubernetes, events, ...parts }) }),
  });
  cleanUp.defer(() => publisher.close());
  return publisher;
}

function cluster(
  config: Config,
  parts: Omit<PublishingParts, 'metrics' | 'budget'> & {
    readonly kubernetes: KubernetesApi;
    readonly events: EventRecorder;
  },
): ClusterPublicationOptions {
  const { kubernetes, events, database, leadership, verifications } = parts;
  const { namespaces, namespaceSelector, configMapName, clusterTrustBundleName } = config.publication;
  return {
    api: kubernetes,
    owner: copyOwner(config, kubernetes),
    namespaces,
    namespaceSelector,
    configMapName,
    clusterTrustBundleName,
    visibleNamespaces: visibleNamespaces(config, kubernetes.namespace),
    wantedNamespaces: () => verifications.namespaces(),
    events,
    store: createPublicationStore(database),
    currentEpoch: () => leadership.currentEpoch(),
  };
}

/** Outside a cluster: the same two files for an nginx of one's own, and a manifest to apply. */
function files(config: Config): FileOptions {
  return { directory: join(config.dataDirectory, 'published'), command: config.publication.command };
}
