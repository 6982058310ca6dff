import { clone, type JsonObject, objectAt, setAt, stringAt } from './json.ts';
import { type ResourceType, resourceTypes, typeOfKind } from './resources.ts';
import type { Storage } from './storage.ts';

/**
 * Deletes what has no finalizers; what has some is only marked, and goes with the last of them. A namespace takes
 * its objects along (the real one's controller does so a moment later) and stays as long as one of them does.
 * @returns whether it is gone
 */
export function deleteStored(storage: Storage, type: ResourceType, live: JsonObject, now: string): boolean {
  const namespace = stringAt(live, 'metadata', 'namespace');
  const name = stringAt(live, 'metadata', 'name') ?? '';
  if (type.plural === 'namespaces') {
    terminateNamespace(storage, name, now);
    for (const [itsType, object] of objectsIn(storage, name)) deleteStored(storage, itsType, object, now);
    return endNamespace(storage, name);
  }
  if (!hasFinalizers(live)) {
    storage.delete(type, namespace, name);
    return true;
  }
  if (stringAt(live, 'metadata', 'deletionTimestamp') === undefined) {
    const marked = clone(live);
    setAt(marked, ['metadata', 'deletionTimestamp'], now);
    storage.put(type, marked, now);
  }
  return false;
}

/** After a write: what was only waiting for its finalizers goes, and its namespace, if that is waiting for it. */
export function finishDeletion(storage: Storage, type: ResourceType, object: JsonObject): void {
  if (stringAt(object, 'metadata', 'deletionTimestamp') === undefined || hasFinalizers(object)) return;
  if (type.plural === 'namespaces') return;
  const namespace = stringAt(object, 'metadata', 'namespace') ?? '';
  storage.delete(type, namespace, stringAt(object, 'metadata', 'name') ?? '');
  endNamespace(storage, namespace);
}

export function terminateNamespace(storage: Storage, name: string, now: string): void {
  const live = storage.get(typeOfKind('v1', 'Namespace'), undefined, name);
  if (live === undefined || stringAt(live, 'status', 'phase') === 'Terminating') return;
  setAt(live, ['metadata', 'deletionTimestamp'], now);
  setAt(live, ['status', 'phase'], 'Terminating');
  storage.put(typeOfKind('v1', 'Namespace'), live, now);
}

/** Whatever finalizers say. */
export function emptyNamespace(storage: Storage, name: string): void {
  for (const [type, object] of objectsIn(storage, name)) {
    storage.delete(type, name, stringAt(object, 'metadata', 'name') ?? '');
  }
}

function endNamespace(storage: Storage, name: string): boolean {
  const live = storage.get(typeOfKind('v1', 'Namespace'), undefined, name);
  if (stringAt(live, 'status', 'phase') !== 'Terminating' || objectsIn(storage, name).length > 0)
    return false;
  return storage.delete(typeOfKind('v1', 'Namespace'), undefined, name) !== undefined;
}

function objectsIn(storage: Storage, namespace: string): [ResourceType, JsonObject][] {
  return resourceTypes
    .filter((type) => type.namespaced)
    .flatMap((type) =>
      storage.list(type, namespace).map((object): [ResourceType, JsonObject] => [type, object]),
    );
}

function hasFinalizers(object: JsonObject): boolean {
  const { finalizers } = objectAt(object, 'metadata');
  return Array.isArray(finalizers) && finalizers.length > 0;
}
