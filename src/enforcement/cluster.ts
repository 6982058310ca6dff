import { Fault, type FaultReason } from '../fault.ts';
import type { KubernetesApi } from '../kubernetes/client.ts';
import type { ConfigMap, Ingress, IngressClass } from '../kubernetes/objects.ts';

type Api = Pick<
  KubernetesApi,
  'getNamespace' | 'getIngress' | 'listIngresses' | 'listIngressClasses' | 'getConfigMap'
>;

/** What of the cluster decides whether an Ingress can be made safe, read in one go. */
export interface Cluster {
  readonly ingresses: readonly Ingress[];
  readonly ingressClasses: readonly IngressClass[];
  readonly controllerConfig?: ConfigMap;
  readonly warnings: readonly FaultReason[];
}

/** @param configMap `namespace/name` of the controller's ConfigMap, when it is configured */
export async function readCluster(api: Api, configMap: string | undefined): Promise<Cluster> {
  const [ingresses, ingressClasses, config] = await Promise.all([
    api.listIngresses(),
    api.listIngressClasses(),
    readConfig(api, configMap),
  ]);
  return { ingresses, ingressClasses, ...config };
}

/** @throws Fault namespace-not-found, ingress-not-found */
export async function readIngress(api: Api, namespace: string, name: string): Promise<Ingress> {
  const ingress = await api.getIngress(namespace, name);
  if (ingress !== undefined) return ingress;
  if (await namespaceIsMissing(api, namespace)) {
    throw new Fault('namespace-not-found', `There is no namespace ${namespace}`);
  }
  throw new Fault('ingress-not-found', `There is no Ingress ${name} in namespace ${namespace}`);
}

/** Without the permission to look, the Ingress is what is missing. */
async function namespaceIsMissing(api: Api, namespace: string): Promise<boolean> {
  try {
    return (await api.getNamespace(namespace)) === undefined;
  } catch (error) {
    if (error instanceof Fault && error.code === 'kubernetes-forbidden') return false;
    throw error;
  }
}

async function readConfig(
  api: Api,
  configMap: string | undefined,
): Promise<Pick<Cluster, 'controllerConfig' | 'warnings'>> {
  if (configMap === undefined) return { warnings: [] };
  const unread = (why: string) => ({
    warnings: [
      {
        code: 'controller-config-unread',
        detail: `ConfigMap ${configMap} was not taken into account: ${why}.`,
      },
    ],
  });
  const [namespace = '', name = ''] = configMap.split('/');
  try {
    const controllerConfig = await api.getConfigMap(namespace, name);
    return controllerConfig === undefined ? unread('it does not exist') : { controllerConfig, warnings: [] };
  } catch (error) {
    if (error instanceof Fault && error.code === 'kubernetes-forbidden') return unread(error.message);
    throw error;
  }
}
