/**
 * The parts of the Kubernetes objects that this service reads and writes. Plain data as the API sends it:
 * everything optional is optional there too, and members that are not named here survive a round trip.
 */

/** Who owns which fields of an object (server-side apply). `fieldsV1` is a set: `{"f:metadata": {"f:labels": …}}`. */
export interface ManagedFieldsEntry {
  readonly manager?: string;
  readonly operation?: 'Apply' | 'Update';
  readonly fieldsV1?: Readonly<Record<string, unknown>>;
  readonly subresource?: string;
  readonly time?: string;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  /** RFC 3339. */
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly managedFields?: readonly ManagedFieldsEntry[];
}

export interface KubernetesObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
}

export interface Namespace extends KubernetesObject {
  readonly status?: { readonly phase?: 'Active' | 'Terminating' };
}

/** `data` holds base64; see `decodeSecretData` and `encodeSecretData`. */
export interface Secret extends KubernetesObject {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly immutable?: boolean;
}

export interface ConfigMap extends KubernetesObject {
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
  readonly immutable?: boolean;
}

export interface IngressBackend {
  readonly service?: {
    readonly name: string;
    readonly port?: { readonly name?: string; readonly number?: number };
  };
  readonly resource?: { readonly apiGroup?: string; readonly kind: string; readonly name: string };
}

export interface IngressPath {
  readonly path?: string;
  readonly pathType: 'Exact' | 'Prefix' | 'ImplementationSpecific';
  readonly backend: IngressBackend;
}

export interface IngressRule {
  readonly host?: string;
  readonly http?: { readonly paths: readonly IngressPath[] };
}

export interface IngressTls {
  readonly hosts?: readonly string[];
  readonly secretName?: string;
}

export interface IngressSpec {
  readonly ingressClassName?: string;
  readonly defaultBackend?: IngressBackend;
  readonly rules?: readonly IngressRule[];
  readonly tls?: readonly IngressTls[];
}

export interface IngressLoadBalancer {
  readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[];
}

export interface Ingress extends KubernetesObject {
  readonly spec?: IngressSpec;
  readonly status?: { readonly loadBalancer?: IngressLoadBalancer };
}

export interface IngressClass extends KubernetesObject {
  readonly spec?: { readonly controller?: string };
}

/** A lease of leader election (coordination.k8s.io/v1). Times as `toMicroTime` writes them. */
export interface LeaseSpec {
  /** Absent or empty: nobody holds it. */
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

export interface Lease extends KubernetesObject {
  readonly spec?: LeaseSpec;
}

/** Trust anchors for the whole cluster (certificates.k8s.io). With a signer the name begins with `signer:`. */
export interface ClusterTrustBundle extends KubernetesObject {
  readonly spec?: { readonly signerName?: string; readonly trustBundle?: string };
}

/** What the API server says of a bearer token. */
export interface TokenReviewStatus {
  readonly authenticated: boolean;
  /** Present when authenticated. */
  readonly user?: {
    readonly username: string;
    readonly uid?: string;
    readonly groups: readonly string[];
  };
  /** Those of the asked audiences that the token is for. */
  readonly audiences: readonly string[];
  /** Why it is not authenticated, where the API server says so. */
  readonly error?: string;
}

/** The object that an Event is about. */
export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid?: string;
}

/** An Event to show beside an object in `kubectl describe`. */
export interface ObjectEvent extends KubernetesObject {
  /** Its namespace is the Event's own. */
  readonly involvedObject?: ObjectReference;
  readonly type?: 'Normal' | 'Warning';
  /** One word in UpperCamelCase. */
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number;
  /** RFC 3339, whole seconds. */
  readonly firstTimestamp?: string;
  readonly lastTimestamp?: string;
  readonly source?: { readonly component?: string; readonly host?: string };
}

/**
 * `MicroTime` of the API: RFC 3339 with exactly six decimals; with any other number the API server answers 400.
 * @param milliseconds since 1970-01-01T00:00:00Z
 */
export function toMicroTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('Z', '000Z');
}

/** The values of a Secret as bytes. */
export function decodeSecretData(secret: Secret): Record<string, Buffer> {
  return Object.fromEntries(
    Object.entries(secret.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64')]),
  );
}

/** Bytes or UTF-8 text as the base64 that a Secret's `data` takes. */
export function encodeSecretData(
  values: Readonly<Record<string, Uint8Array | string>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
}
