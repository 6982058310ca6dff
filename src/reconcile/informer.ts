import { Fault } from '../fault.ts';
import type { KubernetesApi, WatchableResources, Watcher, WatchScope } from '../kubernetes/client.ts';
import { createTrouble } from './trouble.ts';

export interface InformerOptions<R extends keyof WatchableResources> {
  readonly api: Pick<KubernetesApi, 'watch'>;
  readonly resource: R;
  /** What to look at in each of the namespaces; `metadataOnly` for Secrets. */
  readonly scope?: Omit<WatchScope, 'namespace'>;
  /** A watch of its own for each of these; one watch over the whole cluster when absent. */
  readonly namespaces?: readonly string[];
  /** Hands every object on again after this time, whatever the watch says; never when absent. In milliseconds. */
  readonly resyncMs?: number;
  /**
   * An object is new, changed, gone (undefined), or due for another look. Hand the key to a work queue and return: what
   * is thrown here is given to `onError`.
   */
  onChange(key: string, object: WatchableResources[R] | undefined): void;
  /** The cluster is not seen at present. Once per outage and cause; the watch goes on by itself. */
  onError?(error: unknown): void;
}

/** What the API server has of one kind, as far as the watch has told: complete once, and never far behind. */
export interface Informer<T> {
  /** By `namespace/name`, or `name` of a kind without namespaces. Old during an outage. */
  get(key: string): T | undefined;
  /** In no order. */
  list(): T[];
  /** Resolves when every object was seen once. @throws Fault `draining` when the informer was closed before. */
  readonly synced: Promise<void>;
  /** Whether `synced` has resolved: without it, what is missing here may exist. */
  readonly complete: boolean;
  close(): void;
}

/** `namespace/name`, or `name` where there is no namespace. */
export function keyOf({ metadata }: { readonly metadata: { name: string; namespace?: string } }): string {
  return metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
}

/** Lists and watches, and keeps what it was told. */
export function createInformer<R extends keyof WatchableResources>(
  o: InformerOptions<R>,
): Informer<WatchableResources[R]> {
  type T = WatchableResources[R];
  const synced = Promise.withResolvers<void>();
  // Nobody has to wait for it.
  synced.promise.catch(() => undefined);
  const caches: Map<string, T>[] = [];
  const watchers: Watcher[] = [];
  const places: (string | undefined)[] =
    o.namespaces === undefined ? [undefined] : [...new Set(o.namespaces)];
  let unseen = places.length;
  let complete = false;

  function seen(): void {
    unseen -= 1;
    if (unseen > 0) return;
    complete = true;
    synced.resolve();
  }

  /** One object that cannot be taken in is told of, and ends neither the watch nor the list that it came in. */
  function hand(key: string, object: T | undefined): void {
    try {
      o.onChange(key, object);
    } catch (error) {
      o.onError?.(error);
    }
  }

  function follow(namespace: string | undefined): Watcher {
    const cache = new Map<string, T>();
    caches.push(cache);
    let listed = false;
    const outage = createTrouble();
    return o.api.watch(
      o.resource,
      { ...o.scope, ...(namespace === undefined ? {} : { namespace }) },
      {
        onList(items) {
          outage.over();
          const changed = replace(cache, items);
          if (!listed) seen();
          listed = true;
          // Whoever is told may look at the whole at once: a work queue begins before it returns.
          for (const key of changed) hand(key, cache.get(key));
        },
        onEvent(type, object) {
          outage.over();
          const key = keyOf(object);
          if (type === 'DELETED') cache.delete(key);
          else cache.set(key, object);
          hand(key, type === 'DELETED' ? undefined : object);
        },
        onError(error) {
          if (outage.isNews(error)) o.onError?.(error);
        },
      },
    );
  }

  for (const namespace of places) watchers.push(follow(namespace));
  if (places.length === 0) {
    complete = true;
    synced.resolve();
  }
  const resync =
    o.resyncMs === undefined
      ? undefined
      : setInterval(() => {
          for (const cache of caches) for (const [key, object] of cache) hand(key, object);
        }, o.resyncMs).unref();

  return {
    get: (key) => caches.find((cache) => cache.has(key))?.get(key),
    list: () => caches.flatMap((cache) => [...cache.values()]),
    synced: synced.promise,
    get complete() {
      return complete;
    },
    close() {
      clearInterval(resync);
      for (const watcher of watchers) watcher.close();
      synced.reject(new Fault('draining', `${o.resource} are not watched any more`));
    },
  };
}

/** What happened while nobody watched shows in the difference between two lists: the keys that are new, changed or gone. */
function replace<T extends WatchableResources[keyof WatchableResources]>(
  cache: Map<string, T>,
  items: readonly T[],
): string[] {
  const before = new Map(cache);
  cache.clear();
  for (const item of items) cache.set(keyOf(item), item);
  const changed = [...cache].filter(([key, item]) => {
    const version = before.get(key)?.metadata.resourceVersion;
    return version === undefined || version !== item.metadata.resourceVersion;
  });
  return [...changed.map(([key]) => key), ...[...before.keys()].filter((key) => !cache.has(key))];
}
