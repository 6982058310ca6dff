import type { DeletePreconditions, KubernetesApi, KubernetesObject } from '../kubernetes/client.ts';
import { configMapTarget } from './config-map-target.ts';
import { isConfigMapCopyOnly, isCopyOnly } from './copy-shape.ts';
import type { CopyAuthor } from './object-target.ts';
import { secretTarget } from './secret-target.ts';
import type { ClusterTarget } from './target.ts';
import { trustBundleTarget } from './trust-bundle-target.ts';

export type PlacesClient = Pick<
  KubernetesApi,
  | 'getSecret'
  | 'applySecret'
  | 'patchSecret'
  | 'deleteSecret'
  | 'getConfigMap'
  | 'applyConfigMap'
  | 'deleteConfigMap'
  | 'clusterTrustBundlesServed'
  | 'getClusterTrustBundle'
  | 'applyClusterTrustBundle'
>;

export interface CopyNames {
  readonly secretName: string;
  /** No ConfigMaps when absent. */
  readonly configMapName?: string | undefined;
  /** No ClusterTrustBundle when absent. */
  readonly clusterTrustBundleName?: string | undefined;
}

/** An object in a namespace that is, or may become, a copy. */
export interface NamespacedPlace {
  readonly kind: 'Secret' | 'ConfigMap';
  readonly namespace: string;
  readonly name: string;
  readonly target: ClusterTarget;
  /** Its metadata, as they are now; undefined when there is none. `holds-more` when it is more than a copy. */
  lookAtCopy(): Promise<KubernetesObject | 'holds-more' | undefined>;
  /** False when it was not there. */
  remove(preconditions: DeletePreconditions): Promise<boolean>;
}

/** The ClusterTrustBundle: one for all, and always wanted where it is configured. */
export interface ClusterPlace {
  readonly kind: 'ClusterTrustBundle';
  readonly name: string;
  readonly target: ClusterTarget;
}

export type Place = NamespacedPlace | ClusterPlace;

/** Every place that the configuration knows. */
export interface CopyPlaces {
  secret(namespace: string): NamespacedPlace;
  in(namespace: string): NamespacedPlace[];
  readonly ofCluster: readonly ClusterPlace[];
  /** By the target's id. */
  find(id: string): Place | undefined;
}

export function createCopyPlaces(api: PlacesClient, names: CopyNames, author: CopyAuthor): CopyPlaces {
  const { secretName, configMapName, clusterTrustBundleName } = names;

  const secret = (namespace: string): NamespacedPlace => ({
    kind: 'Secret',
    namespace,
    name: secretName,
    target: secretTarget(api, namespace, secretName, author),
    lookAtCopy: async () => {
      const found = await api.getSecret(namespace, secretName);
      return found === undefined || isCopyOnly(found) ? found : 'holds-more';
    },
    remove: (preconditions) => api.deleteSecret(namespace, secretName, preconditions),
  });

  const configMap = (namespace: string, name: string): NamespacedPlace => ({
    kind: 'ConfigMap',
    namespace,
    name,
    target: configMapTarget(api, namespace, name, author),
    lookAtCopy: async () => {
      const found = await api.getConfigMap(namespace, name);
      return found === undefined || isConfigMapCopyOnly(found) ? found : 'holds-more';
    },
    remove: (preconditions) => api.deleteConfigMap(namespace, name, preconditions),
  });

  const inNamespace = (namespace: string) => [
    secret(namespace),
    ...(configMapName === undefined ? [] : [configMap(namespace, configMapName)]),
  ];

  const ofCluster: ClusterPlace[] =
    clusterTrustBundleName === undefined
      ? []
      : [
          {
            kind: 'ClusterTrustBundle',
            name: clusterTrustBundleName,
            target: trustBundleTarget(api, clusterTrustBundleName, author),
          },
        ];

  return {
    secret,
    in: inNamespace,
    ofCluster,
    find(id) {
      const namespace = /^(?:secret|configmap):([^/]+)\//.exec(id)?.[1];
      const places = namespace === undefined ? ofCluster : inNamespace(namespace);
      return places.find(({ target }) => target.id === id);
    },
  };
}
