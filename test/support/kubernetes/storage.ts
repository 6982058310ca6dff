import { randomUUID } from 'node:crypto';
import { clone, type JsonObject, setAt, stringAt } from './json.ts';
import type { ResourceType } from './resources.ts';

export interface Change {
  readonly version: number;
  readonly type: ResourceType;
  readonly kind: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: JsonObject;
  readonly previous: JsonObject | undefined;
}

/** All objects, one rising version number, and the history that watches are resumed from. What etcd is. */
export interface Storage {
  readonly version: number;
  /** Changes up to this version are forgotten: watches from before it get 410. */
  readonly compactedTo: number;
  get(type: ResourceType, namespace: string | undefined, name: string): JsonObject | undefined;
  /** In the order of namespace and name. */
  list(type: ResourceType, namespace: string | undefined): JsonObject[];
  /** Stores a copy and returns one; gives uid, creationTimestamp and resourceVersion. */
  put(type: ResourceType, object: JsonObject, now: string): JsonObject;
  delete(type: ResourceType, namespace: string | undefined, name: string): JsonObject | undefined;
  since(version: number): Change[];
  onChange(listener: (change: Change) => void): () => void;
  compact(): void;
}

export function createStorage(): Storage {
  const objects = new Map<string, JsonObject>();
  const listeners = new Set<(change: Change) => void>();
  let history: Change[] = [];
  let version = 1000;
  let compactedTo = 1000;

  const keyOf = (type: ResourceType, namespace: string | undefined, name: string) =>
    `${type.plural}/${type.namespaced ? (namespace ?? '') : ''}/${name}`;

  function emit(change: Change): void {
    history.push(change);
    for (const listener of listeners) listener(change);
  }

  return {
    get version() {
      return version;
    },
    get compactedTo() {
      return compactedTo;
    },
    get(type, namespace, name) {
      const object = objects.get(keyOf(type, namespace, name));
      return object === undefined ? undefined : clone(object);
    },
    list(type, namespace) {
      const prefix = namespace === undefined ? `${type.plural}/` : `${type.plural}/${namespace}/`;
      const keys = [...objects.keys()].filter((key) => key.startsWith(prefix)).sort();
      return keys.map((key) => clone(objects.get(key) ?? {}));
    },
    put(type, object, now) {
      const stored = clone(object);
      const name = stringAt(stored, 'metadata', 'name') ?? '';
      const key = keyOf(type, stringAt(stored, 'metadata', 'namespace'), name);
      const previous = objects.get(key);
      version += 1;
      setAt(stored, ['metadata', 'uid'], stringAt(previous, 'metadata', 'uid') ?? randomUUID());
      const created = stringAt(previous ?? stored, 'metadata', 'creationTimestamp') ?? now;
      setAt(stored, ['metadata', 'creationTimestamp'], created);
      setAt(stored, ['metadata', 'resourceVersion'], String(version));
      objects.set(key, stored);
      const kind = previous === undefined ? 'ADDED' : 'MODIFIED';
      emit({ version, type, kind, object: stored, previous });
      return clone(stored);
    },
    delete(type, namespace, name) {
      const key = keyOf(type, namespace, name);
      const previous = objects.get(key);
      if (previous === undefined) return undefined;
      objects.delete(key);
      version += 1;
      const object = clone(previous);
      setAt(object, ['metadata', 'resourceVersion'], String(version));
      emit({ version, type, kind: 'DELETED', object, previous });
      return clone(previous);
    },
    since: (from) => history.filter((change) => change.version > from),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    compact() {
      compactedTo = version;
      history = [];
    },
  };
}
