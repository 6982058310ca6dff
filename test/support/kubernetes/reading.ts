import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { type JsonObject, objectAt, stringAt } from './json.ts';
import type { ApiCall } from './request.ts';
import { apiVersionOf } from './resources.ts';
import { type Selector, selectorOf } from './selectors.ts';
import { expired } from './status.ts';
import type { Change, Storage } from './storage.ts';
import type { Answer } from './verbs.ts';

/** The rest of a list that was read in pages: pages after the first show the state of the first. */
interface Snapshot {
  readonly version: number;
  readonly items: JsonObject[];
}

export interface Lister {
  list(call: ApiCall): Answer;
}

export function createLister(storage: Storage): Lister {
  const snapshots = new Map<string, Snapshot>();

  function snapshotFor(call: ApiCall): Snapshot {
    const token = call.query.get('continue');
    if (token === null || token === '') {
      const items = storage.list(call.type, call.namespace).filter(selectorOf(call.query));
      return { version: storage.version, items };
    }
    const snapshot = snapshots.get(token);
    snapshots.delete(token);
    if (snapshot === undefined || snapshot.version < storage.compactedTo) {
      throw expired(
        'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.',
      );
    }
    return snapshot;
  }

  return {
    list(call) {
      const snapshot = snapshotFor(call);
      const limit = Number(call.query.get('limit') ?? 0) || snapshot.items.length;
      const page = snapshot.items.slice(0, limit);
      const rest = snapshot.items.slice(limit);
      const token = rest.length === 0 ? undefined : randomUUID();
      if (token !== undefined) snapshots.set(token, { version: snapshot.version, items: rest });
      const partial = isMetadataOnly(call);
      return {
        status: 200,
        body: {
          kind: partial ? 'PartialObjectMetadataList' : `${call.type.kind}List`,
          apiVersion: partial ? 'meta.k8s.io/v1' : apiVersionOf(call.type),
          metadata: {
            resourceVersion: String(snapshot.version),
            ...(token === undefined ? {} : { continue: token, remainingItemCount: rest.length }),
          },
          items: itemsOf(page, partial),
        },
      };
    },
  };
}

/** Go writes an empty slice that was never made as null: the real one does so for lists of metadata. */
function itemsOf(page: readonly JsonObject[], partial: boolean): JsonObject[] | null {
  if (partial) return page.length === 0 ? null : page.map(metadataOf);
  return page.map(withoutKind);
}

/** The items of a list carry neither kind nor apiVersion. */
function withoutKind({ kind: _kind, apiVersion: _apiVersion, ...item }: JsonObject): JsonObject {
  return item;
}

function isMetadataOnly(call: ApiCall): boolean {
  return call.accept.includes('as=PartialObjectMetadata');
}

function metadataOf(object: JsonObject): JsonObject {
  return {
    kind: 'PartialObjectMetadata',
    apiVersion: 'meta.k8s.io/v1',
    metadata: objectAt(object, 'metadata'),
  };
}

/** Streams changes from the asked version on, with bookmarks, until the timeout or the client's end. */
export function streamWatch(
  storage: Storage,
  call: ApiCall,
  response: ServerResponse,
  o: { bookmarkIntervalMs: number },
): void {
  const from = Number(call.query.get('resourceVersion') ?? 0);
  const matches = selectorOf(call.query);
  const send = (type: string, object: JsonObject) => {
    response.write(`${JSON.stringify({ type, object })}\n`);
  };
  const show = (object: JsonObject) => (isMetadataOnly(call) ? metadataOf(object) : object);
  response.writeHead(200, { 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' });
  response.flushHeaders();

  if (from > 0 && from < storage.compactedTo) {
    send('ERROR', expired(`too old resource version: ${from} (${storage.compactedTo})`).toJson());
    response.end();
    return;
  }
  const deliver = (change: Change) => {
    if (change.type !== call.type || !isIn(change.object, call.namespace)) return;
    const kind = kindOf(change, matches);
    if (kind !== undefined) send(kind, show(change.object));
  };
  if (from === 0) {
    for (const object of storage.list(call.type, call.namespace).filter(matches)) send('ADDED', show(object));
  } else {
    for (const change of storage.since(from)) deliver(change);
  }
  const stop = storage.onChange(deliver);
  const bookmark = () => {
    send('BOOKMARK', {
      kind: call.type.kind,
      apiVersion: apiVersionOf(call.type),
      metadata: { resourceVersion: String(storage.version), creationTimestamp: null },
    });
  };
  const wantsBookmarks = call.query.get('allowWatchBookmarks') === 'true';
  const timer = wantsBookmarks ? setInterval(bookmark, o.bookmarkIntervalMs) : undefined;
  const timeout = Number(call.query.get('timeoutSeconds') ?? 1800);
  const finish = () => {
    stop();
    clearInterval(timer);
    clearTimeout(end);
    // Here and not on `close` alone: between the two a bookmark would be written after the end.
    response.end();
  };
  const end = setTimeout(finish, timeout * 1000);
  response.on('close', finish);
}

/** An object that begins or ceases to match the selector is added or deleted for this watcher. */
function kindOf(change: Change, matches: Selector): Change['kind'] | undefined {
  const did = change.previous !== undefined && matches(change.previous);
  const does = change.kind !== 'DELETED' && matches(change.object);
  if (did && does) return 'MODIFIED';
  if (does) return 'ADDED';
  return did ? 'DELETED' : undefined;
}

function isIn(object: JsonObject, namespace: string | undefined): boolean {
  return namespace === undefined || stringAt(object, 'metadata', 'namespace') === namespace;
}
