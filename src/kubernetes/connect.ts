import { type Clock, systemClock } from '../clock.ts';
import { refusalBehind } from './api-error.ts';
import type { BackOffSettings } from './back-off.ts';
import type { KubernetesApi } from './client.ts';
import { type ConnectionSettings, openConnection } from './connection.ts';
import type { KubernetesObject } from './objects.ts';
import {
  configMaps,
  events,
  ingressClasses,
  ingresses,
  leases,
  namespaces,
  type Resource,
  secrets,
} from './resources.ts';
import { createRest, listRequest, operationOn } from './rest.ts';
import { reviewToken } from './token-review.ts';
import { createTransport } from './transport.ts';
import { createTrustBundleDiscovery } from './trust-bundles.ts';
import { startWatch, type WatchableResources, type Watcher, type WatchScope } from './watch.ts';

export interface ClientOptions {
  readonly connection: ConnectionSettings;
  /** The service's own namespace. Default: the service account's, or the context's. */
  readonly namespace?: string;
  /** Default: 10,000. A watch lives longer; this is then the time until it begins. */
  readonly requestTimeoutMs?: number;
  /** Pauses of a watch between attempts. Default: 0.5 s to 30 s. */
  readonly watchBackOff?: BackOffSettings;
  /** Default: 290. */
  readonly watchTimeoutSeconds?: number;
  /** For how long discovery is remembered. */
  readonly clock?: Clock;
}

const watchable: { readonly [R in keyof WatchableResources]: Resource<WatchableResources[R]> } = {
  secrets,
  configmaps: configMaps,
  ingresses,
  namespaces,
  ingressclasses: ingressClasses,
};

/**
 * The client. Does not talk to the API server yet: an outage at the start is an outage like any other.
 * @throws Fault `kubernetes-unavailable` when kubeconfig or service account cannot be read.
 */
export async function connectKubernetes(options: ClientOptions): Promise<KubernetesApi> {
  const connection = await openConnection(options.connection);
  const transport = createTransport(connection, { requestTimeoutMs: options.requestTimeoutMs ?? 10_000 });
  const rest = createRest(transport);
  const trustBundles = createTrustBundleDiscovery(transport, options.clock ?? systemClock);
  const watchers = new Set<Watcher>();
  const watchSettings = {
    backOff: options.watchBackOff ?? { initialMs: 500, maxMs: 30_000 },
    timeoutSeconds: options.watchTimeoutSeconds ?? 290,
  };
  const listAll = async <T extends KubernetesObject>(r: Resource<T>, scope: WatchScope) =>
    (await rest.list(r, scope)).items;

  return {
    namespace: options.namespace ?? connection.namespace,
    server: connection.server.origin,

    getNamespace: (name) => rest.get(namespaces, undefined, name),
    listNamespaces: (labelSelector) =>
      listAll(namespaces, labelSelector === undefined ? {} : { labelSelector }),

    getSecret: (namespace, name) => rest.get(secrets, namespace, name),
    listSecrets: (scope) => listAll(secrets, scope),
    createSecret: (secret) => rest.create(secrets, secret),
    applySecret: (secret, o = {}) => rest.apply(secrets, secret, o),
    patchSecret: (namespace, name, patch, o = {}) => rest.patch(secrets, namespace, name, patch, o),
    deleteSecret: (namespace, name, preconditions) => rest.delete(secrets, namespace, name, preconditions),

    getConfigMap: (namespace, name) => rest.get(configMaps, namespace, name),
    listConfigMaps: (scope) => listAll(configMaps, scope),
    applyConfigMap: (configMap, o = {}) => rest.apply(configMaps, configMap, o),
    deleteConfigMap: (namespace, name, preconditions) =>
      rest.delete(configMaps, namespace, name, preconditions),

    getIngress: (namespace, name) => rest.get(ingresses, namespace, name),
    listIngresses: (namespace) => listAll(ingresses, namespace === undefined ? {} : { namespace }),
    applyIngress: (ingress, o = {}) => rest.apply(ingresses, ingress, o),
    patchIngress: (namespace, name, patch, o = {}) => rest.patch(ingresses, namespace, name, patch, o),

    listIngressClasses: () => listAll(ingressClasses, {}),

    getLease: (namespace, name) => rest.get(leases, namespace, name),
    createLease: (lease) => rest.create(leases, lease),
    updateLease: (lease) => rest.update(leases, lease),

    reviewToken: (token, audiences) => reviewToken(transport, token, audiences),

    clusterTrustBundlesServed: async () => (await trustBundles.find()) !== undefined,
    async getClusterTrustBundle(name) {
      const r = await trustBundles.find();
      return r === undefined ? undefined : rest.get(r, undefined, name);
    },
    async applyClusterTrustBundle(bundle, o = {}) {
      const r = await trustBundles.find();
      if (r === undefined) return undefined;
      try {
        return await rest.apply(r, bundle, o);
      } catch (error) {
        // An apply makes what is not there: what is missing is the kind.
        if (refusalBehind(error)?.status !== 404) throw error;
        trustBundles.forget();
        return undefined;
      }
    },
    async deleteClusterTrustBundle(name, preconditions) {
      const r = await trustBundles.find();
      return r === undefined ? false : rest.delete(r, undefined, name, preconditions);
    },

    createEvent: (event) => rest.create(events, event),
    patchEvent: (namespace, name, patch) => rest.patch(events, namespace, name, patch, {}),

    watch(resource, scope, handler) {
      const r = watchable[resource];
      const watcher = startWatch(
        transport,
        {
          operation: operationOn('watch', r, scope.namespace, scope.name),
          request: listRequest(r, scope, 'watch'),
          list: () => rest.list(r, scope),
          accepts: r.accepts,
        },
        handler,
        watchSettings,
      );
      watchers.add(watcher);
      return {
        close() {
          watcher.close();
          watchers.delete(watcher);
        },
      };
    },

    async ping() {
      await transport.send({ method: 'GET', path: '/readyz' });
    },

    close() {
      for (const watcher of watchers) watcher.close();
      transport.close();
    },
  };
}
