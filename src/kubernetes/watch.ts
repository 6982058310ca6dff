import type { ConfigMap, Ingress, IngressClass, Secret } from './objects.ts';

/** What can be watched, by the plural name in the API's paths. */
export interface WatchableResources {
  secrets: Secret;
  configmaps: ConfigMap;
  ingresses: Ingress;
  ingressclasses: IngressClass;
}

export interface WatchScope {
  /** One namespace; all of them when absent. */
  readonly namespace?: string;
  readonly labelSelector?: string;
}

export interface WatchHandler<T> {
  /** The whole state: at the start and whenever the watch could not be resumed (410 Gone). */
  onList(items: T[]): void;
  onEvent(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): void;
  /** An outage; the watch goes on by itself after a pause. */
  onError?(error: unknown): void;
}

export interface Watcher {
  close(): void;
}
