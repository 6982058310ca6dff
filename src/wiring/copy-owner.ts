import type { Config } from '../config/config.ts';
import type { KubernetesApi } from '../kubernetes/client.ts';
import type { CopyOwner } from '../publication/copy-metadata.ts';

/** This installation's name in the cluster. All its replicas have it, and nothing but a new name for its Lease changes it. */
export function copyOwner(
  { leadership }: Pick<Config, 'leadership'>,
  { namespace }: Pick<KubernetesApi, 'namespace'>,
): CopyOwner {
  return `${namespace}/${leadership.leaseName}`;
}
