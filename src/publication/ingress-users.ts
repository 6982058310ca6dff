import { Fault } from '../fault.ts';
import type { KubernetesApi } from '../kubernetes/client.ts';

/**
 * The Ingresses of a namespace that name its copy in an annotation, enforced by us or written by hand: without the
 * Secret their hosts would refuse everybody. Undefined when we may not look.
 */
export async function ingressUsers(
  api: Pick<KubernetesApi, 'listIngresses'>,
  namespace: string,
  secretName: string,
): Promise<string[] | undefined> {
  try {
    const reference = `${namespace}/${secretName}`;
    return (await api.listIngresses(namespace))
      .filter(({ metadata }) => Object.values(metadata.annotations ?? {}).includes(reference))
      .map(({ metadata }) => metadata.name);
  } catch (error) {
    if (error instanceof Fault && error.code === 'kubernetes-forbidden') return undefined;
    throw error;
  }
}
