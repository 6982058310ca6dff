import type { Rule, UsedRule } from './access.ts';
import type { JsonObject } from './json.ts';
import type { ServiceAccountMount } from './kubeconfig.ts';
import type { ApiCall } from './request.ts';
import type { ServiceAccountTokenRequest } from './service-accounts.ts';

/** What to do with a request instead of, or before, serving it. */
export type Interference =
  | { readonly status: number; readonly body?: JsonObject; readonly headers?: Record<string, string> }
  | { readonly delayMs: number }
  /** `hang` never answers; `reset` breaks the connection. */
  | 'hang'
  | 'reset';

export interface RecordedCall {
  readonly verb: string;
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly user: string;
  readonly fieldManager: string;
  readonly status: number;
  /** The rule of RBAC that allowed it; absent for who may do everything, and for what was refused. */
  readonly allowedBy?: Rule;
}

export type TrustBundleVersion = 'v1' | 'v1beta1' | 'off';

export interface ApiServerOptions {
  /** Namespaces to begin with. Default: `default` and `internal-ca`. */
  readonly namespaces?: readonly string[];
  /** Default: 1,000. */
  readonly bookmarkIntervalMs?: number;
  /** Which version of ClusterTrustBundles is served. Default: v1beta1, as Kubernetes 1.35 with its feature gate. */
  readonly clusterTrustBundles?: TrustBundleVersion;
  /** For creationTimestamp and the end of tokens. Default: the system's. */
  readonly now?: () => Date;
}

export interface ApiServer {
  readonly url: string;
  readonly port: number;
  readonly caPem: string;
  /** A token that may do everything. */
  readonly adminToken: string;
  /** A token with these RBAC rules. */
  tokenFor(rules: readonly Rule[], user?: string): string;
  /** A token of `tokenFor` or `serviceAccountToken` is not accepted any longer. */
  revokeToken(token: string): void;
  /** What the rules of a token were needed for, each once. */
  usedRules(token: string): UsedRule[];
  /** A token of a ServiceAccount for a TokenReview; makes the account. It opens nothing of this server itself. */
  serviceAccountToken(request: ServiceAccountTokenRequest): string;
  /** A kubeconfig as text. Default: the admin's token, namespace `internal-ca`. */
  kubeconfig(o?: { token?: string; namespace?: string }): string;
  /** Writes token, CA and namespace below `directory` as a pod finds them; set its `environment` for `in-cluster`. */
  mountServiceAccount(directory: string, o?: { token?: string; namespace?: string }): ServiceAccountMount;

  /** Creates or replaces an object behind the API's back, as another field manager would. */
  put(object: JsonObject, manager?: string): JsonObject;
  /** The stored object, `managedFields` included. */
  read(apiVersion: string, kind: string, namespace: string | undefined, name: string): JsonObject | undefined;
  /** Deletes behind the API's back. */
  remove(apiVersion: string, kind: string, namespace: string | undefined, name: string): void;

  /** Begins the end of a namespace: nothing new goes in; it stays until `remove`. */
  terminate(namespace: string): void;
  /** From now on; what is stored stays. */
  serveClusterTrustBundles(version: TrustBundleVersion): void;

  /** Every request answered so far; clear it with `calls.length = 0`. */
  readonly calls: RecordedCall[];
  /** Called before a request is served. The last one set counts; undefined serves everything. */
  interfere(with_: ((call: ApiCall) => Interference | undefined) | undefined): void;
  /** An admission webhook: returns its words to deny a write, undefined to let it pass. */
  admit(
    webhook: string,
    review: (call: ApiCall, object: JsonObject) => string | undefined,
    code?: number,
  ): void;
  /** Forgets the history: watches from before get 410, and so do the continue tokens. */
  compact(): void;
  /** Breaks every connection, watches included, but goes on serving. */
  dropConnections(): void;
  /** An outage: connections are broken and refused until `start()`, which listens on the same port. */
  stop(): Promise<void>;
  start(): Promise<void>;
}
