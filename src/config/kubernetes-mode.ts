import { existsSync } from 'node:fs';
import type { Config } from './config.ts';

/** Where the kubelet mounts the service account of a pod. */
export const serviceAccountTokenFile = '/var/run/secrets/kubernetes.io/serviceaccount/token';

export type KubernetesMode = 'in-cluster' | 'kubeconfig' | 'off';

/**
 * What `KUBERNETES` comes to on this machine. `auto` is in-cluster when a service account is mounted and the API
 * server's address is in the environment, else off: a laptop's kubeconfig is never picked up unasked.
 */
export function resolveKubernetesMode(
  kubernetes: Pick<Config['kubernetes'], 'mode'>,
  env: NodeJS.ProcessEnv,
  fileExists: (path: string) => boolean = existsSync,
): KubernetesMode {
  if (kubernetes.mode !== 'auto') return kubernetes.mode;
  return env.KUBERNETES_SERVICE_HOST && fileExists(serviceAccountTokenFile) ? 'in-cluster' : 'off';
}
