import type {
  ClusterTrustBundle,
  ConfigMap,
  Ingress,
  IngressClass,
  KubernetesObject,
  Lease,
  Namespace,
  ObjectEvent,
  Secret,
} from './objects.ts';

/** Where the API keeps a resource, and the plain type of what it holds. */
export interface Resource<T extends KubernetesObject> {
  readonly plural: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Only here to carry the type; what the API server sends for this path is of this type. */
  accepts(object: KubernetesObject): object is KubernetesObject & T;
}

function resource<T extends KubernetesObject>(
  apiVersion: string,
  kind: string,
  plural: string,
  namespaced: boolean,
): Resource<T> {
  return {
    apiVersion,
    kind,
    plural,
    namespaced,
    // The items of a list carry no kind; a metadata-only answer carries PartialObjectMetadata.
    accepts: (object): object is KubernetesObject & T =>
      object.kind === undefined || object.kind === kind || object.kind === 'PartialObjectMetadata',
  };
}

export const namespaces = resource<Namespace>('v1', 'Namespace', 'namespaces', false);
export const secrets = resource<Secret>('v1', 'Secret', 'secrets', true);
export const configMaps = resource<ConfigMap>('v1', 'ConfigMap', 'configmaps', true);
export const events = resource<ObjectEvent>('v1', 'Event', 'events', true);
export const leases = resource<Lease>('coordination.k8s.io/v1', 'Lease', 'leases', true);
/** v1beta1 has the same fields. */
export const clusterTrustBundles = (version: 'v1' | 'v1beta1') =>
  resource<ClusterTrustBundle>(
    `certificates.k8s.io/${version}`,
    'ClusterTrustBundle',
    'clustertrustbundles',
    false,
  );
export const ingresses = resource<Ingress>('networking.k8s.io/v1', 'Ingress', 'ingresses', true);
export const ingressClasses = resource<IngressClass>(
  'networking.k8s.io/v1',
  'IngressClass',
  'ingressclasses',
  false,
);

/** `/apis/networking.k8s.io/v1/namespaces/shop/ingresses/web`; without a namespace, those of all namespaces. */
export function pathOf(
  {
    apiVersion,
    plural,
    namespaced,
  }: Pick<Resource<KubernetesObject>, 'apiVersion' | 'plural' | 'namespaced'>,
  namespace?: string,
  name?: string,
): string {
  const parts = [apiVersion.includes('/') ? '/apis' : '/api', apiVersion];
  if (namespaced && namespace !== undefined) parts.push('namespaces', encodeURIComponent(namespace));
  parts.push(plural);
  if (name !== undefined) parts.push(encodeURIComponent(name));
  return parts.join('/');
}

/** An object with `metadata.name`: the least that everything from the API has. */
export function isKubernetesObject(value: unknown): value is KubernetesObject {
  return (
    typeof value === 'object' &&
    value !== null &&
    'metadata' in value &&
    typeof value.metadata === 'object' &&
    value.metadata !== null &&
    'name' in value.metadata &&
    typeof value.metadata.name === 'string'
  );
}
