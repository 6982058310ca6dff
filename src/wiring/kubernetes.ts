import { homedir } from 'node:os';
import { join } from 'node:path';
import { resolveKubernetesMode } from '../config/config.ts';
import type { KubernetesApi } from '../kubernetes/client.ts';
import { connectKubernetes } from '../kubernetes/connect.ts';
import type { ServiceInput } from './service-input.ts';

export async function openKubernetes(
  { config, env, clock }: ServiceInput,
  cleanUp: AsyncDisposableStack,
): Promise<KubernetesApi | undefined> {
  const mode = resolveKubernetesMode(config.kubernetes, env);
  if (mode === 'off') return undefined;
  const { kubeconfigFile, context, namespace } = config.kubernetes;
  const api = await connectKubernetes({
    clock,
    connection:
      mode === 'in-cluster'
        ? { mode }
        : {
            mode,
            path: kubeconfigFile ?? join(homedir(), '.kube', 'config'),
            ...(context === undefined ? {} : { context }),
          },
    ...(namespace === undefined ? {} : { namespace }),
  });
  cleanUp.defer(() => api.close());
  return api;
}
