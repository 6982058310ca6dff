import { type JsonObject, objectAt, sameJson, setAt, stringAt } from './json.ts';
import type { Named } from './status.ts';
import {
  validateConfigMap,
  validateEvent,
  validateIngress,
  validateLease,
  validateMetadata,
  validateSecret,
  validateTrustBundle,
} from './validation.ts';

/** A kind that the stand-in serves. */
export interface ResourceType extends Named {
  readonly version: string;
  readonly namespaced: boolean;
  /** An update of what is not there creates it, whatever version it names. */
  readonly createsOnUpdate?: boolean;
  /** An update without a resourceVersion is refused. */
  readonly needsVersion?: boolean;
  /** Reviews are answered and not stored. */
  readonly review?: boolean;
  /** Counts the changes of `spec` in `metadata.generation`. */
  readonly hasGeneration?: boolean;
  /** Sets what is the writer's own when it is left out. */
  readonly applyDefaults?: (object: JsonObject) => void;
  /** Sets what belongs to nobody. */
  readonly complete?: (object: JsonObject) => void;
  readonly validate?: (type: ResourceType, object: JsonObject, previous: JsonObject | undefined) => void;
}

const core = { group: '', version: 'v1' } as const;
const networking = { group: 'networking.k8s.io', version: 'v1' } as const;

export const resourceTypes: readonly ResourceType[] = [
  {
    ...core,
    plural: 'namespaces',
    kind: 'Namespace',
    namespaced: false,
    applyDefaults: (o) =>
      setAt(o, ['metadata', 'labels', 'kubernetes.io/metadata.name'], stringAt(o, 'metadata', 'name')),
    complete: (o) => {
      o.spec ??= { finalizers: ['kubernetes'] };
      o.status ??= { phase: 'Active' };
    },
  },
  {
    ...core,
    plural: 'secrets',
    kind: 'Secret',
    namespaced: true,
    applyDefaults: (o) => {
      o.type ??= 'Opaque';
    },
    validate: validateSecret,
  },
  { ...core, plural: 'configmaps', kind: 'ConfigMap', namespaced: true, validate: validateConfigMap },
  { ...core, plural: 'serviceaccounts', kind: 'ServiceAccount', namespaced: true },
  {
    ...core,
    plural: 'events',
    kind: 'Event',
    namespaced: true,
    createsOnUpdate: true,
    complete: (o) => {
      o.eventTime ??= null;
      o.reportingComponent ??= '';
      o.reportingInstance ??= '';
    },
    validate: validateEvent,
  },
  {
    ...networking,
    plural: 'ingresses',
    kind: 'Ingress',
    namespaced: true,
    hasGeneration: true,
    complete: (o) => {
      o.status ??= { loadBalancer: {} };
    },
    validate: validateIngress,
  },
  {
    ...networking,
    plural: 'ingressclasses',
    kind: 'IngressClass',
    namespaced: false,
    hasGeneration: true,
  },
  {
    group: 'coordination.k8s.io',
    version: 'v1',
    plural: 'leases',
    kind: 'Lease',
    namespaced: true,
    createsOnUpdate: true,
    needsVersion: true,
    validate: validateLease,
  },
  {
    group: 'certificates.k8s.io',
    version: 'v1beta1',
    plural: 'clustertrustbundles',
    kind: 'ClusterTrustBundle',
    namespaced: false,
    needsVersion: true,
    validate: validateTrustBundle,
  },
  {
    group: 'authentication.k8s.io',
    version: 'v1',
    plural: 'tokenreviews',
    kind: 'TokenReview',
    namespaced: false,
    review: true,
  },
];

export function apiVersionOf(type: Pick<ResourceType, 'group' | 'version'>): string {
  return type.group === '' ? type.version : `${type.group}/${type.version}`;
}

export function typeOfKind(apiVersion: string, kind: string): ResourceType {
  const type = resourceTypes.find((t) => apiVersionOf(t) === apiVersion && t.kind === kind);
  if (type === undefined) throw new Error(`the stand-in does not serve ${apiVersion} ${kind}`);
  return type;
}

/** 1 for a new object, one more with each change of the spec. */
export function countGeneration(
  type: ResourceType,
  object: JsonObject,
  previous: JsonObject | undefined,
): void {
  if (type.hasGeneration !== true) return;
  const { generation } = objectAt(previous, 'metadata');
  const before = typeof generation === 'number' ? generation : 0;
  const same = previous !== undefined && sameJson(previous.spec, object.spec);
  setAt(object, ['metadata', 'generation'], same ? before : before + 1);
}

/** Names, annotations, and what the kind demands. Throws 422 as the real one. */
export function validateObject(
  type: ResourceType,
  object: JsonObject,
  previous: JsonObject | undefined,
): void {
  validateMetadata(type, object);
  type.validate?.(type, object, previous);
}
