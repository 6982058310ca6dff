import { type Clock, systemClock } from '../clock.ts';
import type { BackOffSettings } from './back-off.ts';
import type { KubernetesApi } from './client.ts';
import { type ConnectionSettings, openConnection } from './connection.ts';
import type { KubernetesObject } from './objects.ts';
import { configMaps, ingressClasses, ingresses, namespaces, type Resource, secrets } from './resources.ts';
import { createRest, listRequest, operationOn } from './rest.ts';
import { createTransport } from './transport.ts';
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
  /** For the times of Events. */
  readonly clock?: Clock;
}

const watchable: { readonly [R in keyof WatchableResources]: Resource<WatchableResources[R]> } = {
  secrets,
  configmaps: configMaps,
  ingresses,
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
  const clock = options.clock ?? systemClock;
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

    getSecret: (namespace, name) => rest.get(secrets, namespace, name),
    listSecrets: (scope) => listAll(secrets, scope),
    createSecret: (secret) => rest.create(secrets, secret),
    applySecret: (secret, o = {}) => rest.apply(secrets, secret, o),
    patchSecret: (namespace, name, patch, o = {}) => rest.patch(secrets, namespace, name, patch, o),
    deleteSecret: (namespace, name, preconditions) => rest.delete(secrets, namespace, name, preconditions),

    getConfigMap: (namespace, name) => rest.get(configMaps, namespace, name),

    getIngress: (namespace, name) => rest.get(ingresses, namespace, name),
    listIngresses: (namespace) => listAll(ingresses, namespace === undefined ? {} : { namespace }),
    applyIngress: (ingress, o = {}) => rest.apply(ingresses, ingress, o),
    patchIngress: (namespace, name, patch, o = {}) => rest.patch(ingresses, namespace, name, patch, o),

    listIngressClasses: () => listAll(ingressClasses, {}),

    createEvent: (event) => rest.createEvent(event, clock.now()),

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
