import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { Fault } from '../fault.ts';
import { faultOf, type Operation, refusalBehind } from './api-error.ts';
import { type BackOffSettings, createBackOff } from './back-off.ts';
import type { ConfigMap, Ingress, IngressClass, KubernetesObject, Namespace, Secret } from './objects.ts';
import { isKubernetesObject } from './resources.ts';
import type { ApiRequest, Transport } from './transport.ts';

/** What can be watched, by the plural name in the API's paths. */
export interface WatchableResources {
  secrets: Secret;
  configmaps: ConfigMap;
  ingresses: Ingress;
  namespaces: Namespace;
  ingressclasses: IngressClass;
}

export interface WatchScope {
  /** One namespace; all of them when absent. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  /** Only objects of this name: RBAC can then allow the watch by `resourceNames`. */
  readonly name?: string;
  /** Leave out everything but `metadata`. A Secret is up to 1 MiB; knowing that it changed takes some hundred bytes. */
  readonly metadataOnly?: boolean;
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

export interface WatchSource<T> {
  readonly operation: Operation;
  /** The list request; the watch is the same with `watch=true`. */
  readonly request: ApiRequest;
  list(): Promise<{ items: T[]; resourceVersion: string }>;
  /** Whether an object of a watch event is what we expect: `KubernetesObject` in shape. */
  accepts(object: KubernetesObject): object is KubernetesObject & T;
}

export interface WatchSettings {
  readonly backOff: BackOffSettings;
  /** Seconds after which the API server ends a watch; it is then resumed where it stood. */
  readonly timeoutSeconds: number;
}

/** A longer `Retry-After` is cut to this: a watch that rests for an hour repairs nothing. */
const longestAskedSeconds = 60;

/** Raised inside the loop when the API server no longer has the changes since our version: list again. */
class Gone extends Error {}

/**
 * List, then watch from the list's resourceVersion. Bookmarks move that version on without a change, so that a watch
 * that ends is resumed instead of listed anew. "410 Gone" (compacted history) lists anew.
 */
export function startWatch<T extends KubernetesObject>(
  transport: Transport,
  source: WatchSource<T>,
  handler: WatchHandler<T>,
  settings: WatchSettings,
): Watcher {
  const closing = new AbortController();
  const { signal } = closing;
  const backOff = createBackOff(settings.backOff);

  /** Where to resume from, also after a broken connection; undefined when only a new list helps. */
  let version: string | undefined;

  /** Follows one connection to its end. */
  async function follow(from: string): Promise<void> {
    const query = {
      ...source.request.query,
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: from,
      timeoutSeconds: String(settings.timeoutSeconds),
    };
    // A connection that died without a FIN: the server would have ended the watch by then.
    const silent = AbortSignal.timeout((settings.timeoutSeconds + 30) * 1000);
    const opened = await transport.open({ ...source.request, query }, AbortSignal.any([signal, silent]));
    if ('refused' in opened) {
      if (opened.refused.status === 410) throw new Gone();
      throw faultOf(source.operation, opened.refused);
    }
    for await (const line of createInterface({ input: opened.stream, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (signal.aborted) return;
      version = dispatch(line, source, handler) ?? version;
      backOff.reset();
    }
  }

  /** One list or one watch. */
  async function step(): Promise<void> {
    if (version === undefined) {
      const listed = await source.list();
      if (!signal.aborted) handler.onList(listed.items);
      version = listed.resourceVersion;
      return;
    }
    const before = version;
    await follow(before);
    // A server that ends every watch at once must not make this a busy loop.
    if (version === before) await rest();
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        await step();
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Gone) version = undefined;
        else handler.onError?.(error);
        await rest(refusalBehind(error)?.retryAfterSeconds);
      }
    }
  }

  /** At least as long as the API server asks for, within reason. */
  function rest(askedSeconds = 0): Promise<void> {
    const ms = Math.max(backOff.next(), Math.min(askedSeconds, longestAskedSeconds) * 1000);
    return pause(ms, undefined, { signal, ref: false }).catch(() => undefined);
  }

  void run();
  return { close: () => closing.abort() };
}

/** Hands one line of the stream on. Returns the version it brings, if any. */
function dispatch<T extends KubernetesObject>(
  line: string,
  source: WatchSource<T>,
  handler: WatchHandler<T>,
): string | undefined {
  const event: unknown = JSON.parse(line);
  if (typeof event !== 'object' || event === null || !('type' in event) || !('object' in event)) {
    throw new Fault('kubernetes-unavailable', 'The Kubernetes API sent a watch event without type or object');
  }
  const { type, object } = event;
  if (type === 'ERROR') throw streamError(source.operation, object);
  // A bookmark has no name, only the version.
  if (type === 'BOOKMARK') return versionOf(object);
  if (!isKubernetesObject(object) || !source.accepts(object)) return undefined;
  if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED') handler.onEvent(type, object);
  return object.metadata.resourceVersion;
}

function streamError(operation: Operation, status: unknown): Error {
  const code = typeof status === 'object' && status !== null && 'code' in status ? status.code : undefined;
  if (code === 410) return new Gone();
  return faultOf(operation, { status: typeof code === 'number' ? code : 500, body: status });
}

function versionOf(object: unknown): string | undefined {
  if (typeof object !== 'object' || object === null || !('metadata' in object)) return undefined;
  const { metadata } = object;
  if (typeof metadata !== 'object' || metadata === null || !('resourceVersion' in metadata)) return undefined;
  return typeof metadata.resourceVersion === 'string' ? metadata.resourceVersion : undefined;
}
