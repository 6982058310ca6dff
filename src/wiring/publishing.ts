import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import type { KubernetesApi } from '../kubernetes/client.ts';
import type { Metrics } from '../observability/metrics.ts';
import { createPublisher } from '../publication/create-publisher.ts';
import type { Publisher } from '../publication/publisher.ts';
import type { createClientVerificationStore } from '../store/client-verifications.ts';
import type { ServiceInput } from './service-input.ts';

interface PublishingParts {
  readonly metrics: Metrics;
  readonly kubernetes: KubernetesApi | undefined;
  readonly verifications: ReturnType<typeof createClientVerificationStore>;
}

export function openPublisher(
  { config, log, clock }: ServiceInput,
  { metrics, kubernetes, verifications }: PublishingParts,
  cleanUp: AsyncDisposableStack,
): Publisher {
  const publisher = createPublisher({
    clock,
    log,
    metrics,
    secretName: config.publication.secretName,
    namespaces: config.publication.namespaces,
    wantedNamespaces: () => verifications.namespaces(),
    ...(kubernetes === undefined ? files(config) : { kubernetes }),
  });
  cleanUp.defer(() => publisher.close());
  return publisher;
}

/** Outside a cluster: the same two files for an nginx of one's own, and a manifest to apply. */
function files(config: Config): { directory: string; command?: string } {
  const directory = join(config.dataDirectory, 'published');
  const { command } = config.publication;
  return command === undefined ? { directory } : { directory, command };
}
