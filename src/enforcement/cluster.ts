import { Fault, type FaultReason } from '../fault.ts';
import type { KubernetesApi } from '../kubernetes/client.ts';
import type { ConfigMap, Ingress, IngressClass } from '../kubernetes/objects.ts';
import type { EnforcementSettings } from './planning.ts';

type Api = Pick<
  KubernetesApi,
  'getNamespace' | 'getIngress' | 'listIngresses' | 'listIngressClasses' | 'getConfigMap'
>;

/** What of the cluster decides whether an Ingress can be made safe, read in one go. */
export interface Cluster {
  readonly ingresses: readonly Ingress[];
  /** Absent when we may not read them. */
  readonly ingressClasses?: readonly IngressClass[];
  readonly controllerConfig?: ConfigMap;
  readonly warnings: readonly FaultReason[];
}

/** What belongs to the cluster as a whole. */
export type Surroundings = Omit<Cluster, 'ingresses'>;

/** Reads everything; of the Ingresses those that we may see. */
export async function readCluster(api: Api, settings: EnforcementSettings): Promise<Cluster> {
  const [ingresses, surroundings] = await Promise.all([
    readIngresses(api, settings.visibleNamespaces),
    readSurroundings(api, settings),
  ]);
  return { ingresses, ...surroundings };
}

/** Reads all but the Ingresses. */
export async function readSurroundings(
  api: Pick<Api, 'listIngressClasses' | 'getConfigMap'>,
  settings: EnforcementSettings,
): Promise<Surroundings> {
  const [ingressClasses, config] = await Promise.all([
    // They are of the cluster: who is kept to some namespaces has no right to them, and does not try.
    settings.visibleNamespaces === undefined ? readClasses(api) : undefined,
    readConfig(api, settings.controllerConfigMap),
  ]);
  const unseen = settings.visibleNamespaces === undefined ? [] : [clusterNotSeen];
  return {
    ...(ingressClasses === undefined ? {} : { ingressClasses }),
    ...config,
    warnings: [...unseen, ...config.warnings],
  };
}

const clusterNotSeen: FaultReason = {
  code: 'cluster-not-seen',
  detail:
    'Only the configured namespaces are looked at (KUBERNETES_SCOPE=namespaces): an Ingress of the same host in another ' +
    'one would not be noticed.',
};

async function readIngresses(api: Api, namespaces: readonly string[] | undefined): Promise<Ingress[]> {
  if (namespaces === undefined) return api.listIngresses();
  const lists = await Promise.all(namespaces.map((namespace) => api.listIngresses(namespace)));
  return lists.flat();
}

/** They are of the cluster, so that a service with rights on some namespaces only may not read them. */
async function readClasses(api: Pick<Api, 'listIngressClasses'>): Promise<IngressClass[] | undefined> {
  try {
    return await api.listIngressClasses();
  } catch (error) {
    if (error instanceof Fault && error.code === 'kubernetes-forbidden') return undefined;
    throw error;
  }
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
  api: Pick<Api, 'getConfigMap'>,
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
