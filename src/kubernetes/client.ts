import type {
  ClusterTrustBundle,
  ConfigMap,
  Ingress,
  IngressClass,
  KubernetesObject,
  Lease,
  Namespace,
  ObjectEvent,
  ObjectMeta,
  Secret,
  TokenReviewStatus,
} from './objects.ts';
import type { WatchableResources, Watcher, WatchHandler, WatchScope } from './watch.ts';

export type { BackOff, BackOffSettings } from './back-off.ts';
export { createBackOff } from './back-off.ts';
export type * from './objects.ts';
export { decodeSecretData, encodeSecretData, toMicroTime } from './objects.ts';
export type { WatchableResources, Watcher, WatchHandler, WatchScope } from './watch.ts';

/** The field manager of everything that we apply, unless a caller needs one of its own. */
export const fieldManager = 'internal-ca';

export interface ApplyOptions {
  /** Default: `internal-ca`. */
  readonly fieldManager?: string;
  /** Take over fields that another manager owns, instead of a conflict. Default: false. */
  readonly force?: boolean;
  /** Validate and admit, but do not store. Default: false. */
  readonly dryRun?: boolean;
}

/**
 * What server-side apply sends: exactly the fields that the manager wants to own. Fields that it owned before and
 * that are missing now are removed. With `metadata.uid` the object must exist and be that very object (otherwise
 * the API server creates it); with `metadata.resourceVersion` it must also be unchanged. Both end in `conflict`.
 */
export type Applied<T extends KubernetesObject> = AppliedToCluster<T> & {
  readonly metadata: { readonly namespace: string };
};

/** The same for a kind that lies in no namespace. */
export type AppliedToCluster<T extends KubernetesObject> = Omit<Partial<T>, 'metadata'> & {
  readonly metadata: Pick<ObjectMeta, 'name' | 'uid' | 'resourceVersion' | 'labels' | 'annotations'>;
};

/** One step of a JSON patch (RFC 6902). */
export interface JsonPatchOperation {
  readonly op: 'add' | 'remove' | 'replace' | 'test';
  readonly path: string;
  readonly value?: unknown;
}

/** Merge patch (RFC 7396; null removes a member) or JSON patch (RFC 6902). */
export type Patch =
  | { readonly type: 'merge'; readonly body: Readonly<Record<string, unknown>> }
  | { readonly type: 'json'; readonly operations: readonly JsonPatchOperation[] };

export interface PatchOptions {
  /** The object must still have this version, else `conflict`. */
  readonly resourceVersion?: string;
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
}

export interface DeletePreconditions {
  readonly uid?: string;
  readonly resourceVersion?: string;
}

/**
 * The Kubernetes API as far as this service uses it. What does not exist is `undefined`. Every method throws
 * `Fault`: `kubernetes-unavailable` (no connection, timeout, 5xx, 429, 410), `kubernetes-forbidden` (403 and 401, with
 * verb, resource and namespace), `namespace-not-found` (a write into a namespace that is not there), `conflict`
 * (409, also a denial by an admission webhook: its words in the detail, reason `admission-denied`),
 * `request-invalid` (the API server finds the object wrong).
 *
 * The reasons of a `conflict` have the codes `already-exists`, `object-modified`, `uid-mismatch`,
 * `field-manager-conflict` (one per field, with manager and field), `admission-denied` and `namespace-terminating`
 * (a new object for a namespace that is being deleted).
 */
export interface KubernetesApi {
  /** The namespace that the service runs in (service account, or the context of the kubeconfig). */
  readonly namespace: string;
  /** The address of the API server, for messages. */
  readonly server: string;

  getNamespace(name: string): Promise<Namespace | undefined>;
  listNamespaces(labelSelector?: string): Promise<Namespace[]>;

  getSecret(namespace: string, name: string): Promise<Secret | undefined>;
  /** With `metadataOnly` the values stay where they are. */
  listSecrets(scope: WatchScope): Promise<Secret[]>;
  /** Fault `conflict` with the reason `already-exists` when it is there: the way to elect one creator. */
  createSecret(secret: Applied<Secret>): Promise<Secret>;
  applySecret(secret: Applied<Secret>, options?: ApplyOptions): Promise<Secret>;
  /** Undefined when the Secret is gone. */
  patchSecret(
    namespace: string,
    name: string,
    patch: Patch,
    options?: PatchOptions,
  ): Promise<Secret | undefined>;
  /** False when it was not there. */
  deleteSecret(namespace: string, name: string, preconditions?: DeletePreconditions): Promise<boolean>;

  getConfigMap(namespace: string, name: string): Promise<ConfigMap | undefined>;
  listConfigMaps(scope: WatchScope): Promise<ConfigMap[]>;
  applyConfigMap(configMap: Applied<ConfigMap>, options?: ApplyOptions): Promise<ConfigMap>;
  /** False when it was not there. */
  deleteConfigMap(namespace: string, name: string, preconditions?: DeletePreconditions): Promise<boolean>;

  getIngress(namespace: string, name: string): Promise<Ingress | undefined>;
  /** The Ingresses of one namespace, or of all. */
  listIngresses(namespace?: string): Promise<Ingress[]>;
  applyIngress(ingress: Applied<Ingress>, options?: ApplyOptions): Promise<Ingress>;
  /** Undefined when the Ingress is gone. */
  patchIngress(
    namespace: string,
    name: string,
    patch: Patch,
    options?: PatchOptions,
  ): Promise<Ingress | undefined>;

  listIngressClasses(): Promise<IngressClass[]>;

  /** For leader election, with the name and the rules of client-go. */
  getLease(namespace: string, name: string): Promise<Lease | undefined>;
  /** Fault `conflict` with the reason `already-exists` when it is there. */
  createLease(lease: Applied<Lease>): Promise<Lease>;
  /**
   * Replaces the whole Lease: send back the `metadata` that was read. Fault `conflict` with the reason
   * `object-modified` when somebody wrote since, `uid-mismatch` when the Lease is gone or is another one by now.
   * Without the uid, a Lease that is gone would be made again.
   */
  updateLease(lease: Lease): Promise<Lease>;

  /** Whom a bearer token belongs to, if it is for one of the audiences. The token is in no message and no log. */
  reviewToken(token: string, audiences: readonly string[]): Promise<TokenReviewStatus>;

  /** Whether this cluster has ClusterTrustBundles (v1, else v1beta1); asked again after a while. */
  clusterTrustBundlesServed(): Promise<boolean>;
  /** Undefined also where the cluster does not serve the kind. */
  getClusterTrustBundle(name: string): Promise<ClusterTrustBundle | undefined>;
  /** Undefined where the cluster does not serve the kind. */
  applyClusterTrustBundle(
    bundle: AppliedToCluster<ClusterTrustBundle>,
    options?: ApplyOptions,
  ): Promise<ClusterTrustBundle | undefined>;
  /** False when it was not there, or where the cluster does not serve the kind. */
  deleteClusterTrustBundle(name: string, preconditions?: DeletePreconditions): Promise<boolean>;

  /** See `createEventRecorder`, which is what to use. */
  createEvent(event: Applied<ObjectEvent>): Promise<ObjectEvent>;
  /** Undefined when the Event is gone: they live for an hour. */
  patchEvent(namespace: string, name: string, patch: Patch): Promise<ObjectEvent | undefined>;

  /** List, then follow every change until `close()`; see `WatchHandler`. Never throws: outages go to `onError`. */
  watch<R extends keyof WatchableResources>(
    resource: R,
    scope: WatchScope,
    handler: WatchHandler<WatchableResources[R]>,
  ): Watcher;

  /** Resolves when the API server answers at all, throws `kubernetes-unavailable` otherwise. */
  ping(): Promise<void>;
  /** Ends every watch and connection. */
  close(): void;
}
