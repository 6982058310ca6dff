import type { KubernetesApi, KubernetesObject } from '../kubernetes/client.ts';
import { configMapId } from '../publication/config-map-target.ts';
import { type CopyOwner, isOurCopy } from '../publication/copy-metadata.ts';
import type { CopyNames } from '../publication/copy-places.ts';
import { secretId } from '../publication/secret-target.ts';
import { trustBundleId } from '../publication/trust-bundle-target.ts';
import type { Wanted, WatchedPlace } from './content.ts';
import {
  asError,
  type CopyKind,
  type CopyNews,
  type ObjectPlace,
  type ObjectsClient,
  objectPlace,
  trustBundlePlace,
} from './object-places.ts';
import type { CopyReader } from './read-copy.ts';

export interface ClusterPlacesOptions extends CopyNames {
  readonly api: ObjectsClient &
    Pick<KubernetesApi, 'namespace' | 'listSecrets' | 'listConfigMaps' | 'listNamespaces'>;
  readonly owner: CopyOwner;
  /** Namespaces beside our own that always have copies. */
  readonly namespaces: readonly string[];
  readonly namespaceSelector?: string | undefined;
  /** Where we may look; everywhere when absent. */
  readonly visibleNamespaces?: readonly string[] | undefined;
  readonly wishes: PublishedWishes;
  readonly authorities: readonly { readonly name: string }[];
  readonly graceSeconds: number;
  readonly reader: CopyReader;
}

/** What the database says of the copies. What it said last stands while it is away. */
export interface PublishedWishes {
  refresh(): Promise<void>;
  /** The namespaces of enforced Ingresses. */
  enforced(): readonly string[];
  /** Whether the copy of this namespace is to have no CRL, since it has outgrown the Secret. */
  withoutCrl(namespace: string): boolean;
  /** Whether a copy cannot be there, since the API server told whoever would write it that its namespace is not. */
  cannotBe(id: string): boolean;
}

/** The copies in the cluster, found out anew in each round: neither what was written nor what a watch told is believed. */
export interface ClusterPlaces {
  /** In our own namespace: for every replica. */
  own(): Promise<WatchedPlace[]>;
  /** All of them: for the one that leads. */
  all(): Promise<WatchedPlace[]>;
}

/** By namespace, or what kept us from listing them. */
type Listed = ReadonlyMap<string, KubernetesObject> | Error;

/** Where to list: a namespace, or everywhere. */
type Scope = string | undefined;

const nothing: Listed = new Map();

export function createClusterPlaces(o: ClusterPlacesOptions): ClusterPlaces {
  const { api, wishes } = o;
  const places = new Map<string, ObjectPlace>();
  const kinds: readonly CopyKind[] = o.configMapName === undefined ? ['Secret'] : ['Secret', 'ConfigMap'];
  const complete: Wanted = { crlsOf: o.authorities.map(({ name }) => name), mayHaveCrls: true };
  const certificates: Wanted = { crlsOf: [], mayHaveCrls: false };
  const bundles =
    o.clusterTrustBundleName === undefined
      ? []
      : [
          trustBundlePlace({
            ...o,
            id: trustBundleId(o.clusterTrustBundleName),
            name: o.clusterTrustBundleName,
          }),
        ];
  let selected: readonly string[] = [];

  const nameOf = (kind: CopyKind) => (kind === 'Secret' ? o.secretName : (o.configMapName ?? ''));
  const idOf = (kind: CopyKind, namespace: string) =>
    (kind === 'Secret' ? secretId : configMapId)(namespace, nameOf(kind));

  /** Of this kind and our name, with metadata alone: one call for the whole cluster. */
  async function list(kind: CopyKind, namespace: Scope): Promise<Listed> {
    try {
      const scope = { ...(namespace && { namespace }), name: nameOf(kind), metadataOnly: true };
      const objects: KubernetesObject[] =
        kind === 'Secret' ? await api.listSecrets(scope) : await api.listConfigMaps(scope);
      return new Map(objects.map((object) => [object.metadata.namespace ?? '', object]));
    } catch (error) {
      return asError(error);
    }
  }

  /** Each for itself, so that a namespace that may not be looked at, as it was deleted with its rights, hides no other. */
  async function listAll(kind: CopyKind, scopes: readonly Scope[]): Promise<ReadonlyMap<Scope, Listed>> {
    return new Map(await Promise.all(scopes.map(async (scope) => [scope, await list(kind, scope)] as const)));
  }

  function wantedIn(kind: CopyKind, namespace: string): Wanted {
    return kind === 'ConfigMap' || wishes.withoutCrl(namespace) ? certificates : complete;
  }

  function isWanted(namespace: string): boolean {
    return (
      [api.namespace, ...o.namespaces].includes(namespace) ||
      selected.includes(namespace) ||
      wishes.enforced().includes(namespace)
    );
  }

  function placeOf(kind: CopyKind, namespace: string, listed: Listed): ObjectPlace {
    const id = idOf(kind, namespace);
    const resourceVersion =
      listed instanceof Error ? listed : listed.get(namespace)?.metadata.resourceVersion;
    const news: CopyNews = { resourceVersion, wanted: wantedIn(kind, namespace) };
    const known = places.get(id);
    known?.note(news);
    const isMissed = () => isWanted(namespace) && !wishes.cannotBe(id);
    const place = known ?? objectPlace({ ...o, id, kind, namespace, name: nameOf(kind), isMissed }, news);
    places.set(id, place);
    return place;
  }

  /** One that nobody wants any more and that is still there may be read by somebody: it is kept current, or goes. */
  function thereIn(kind: CopyKind, scope: Scope, listed: Listed): string[] {
    if (!(listed instanceof Error))
      return [...listed].filter(([, each]) => isOurCopy(each, o.owner)).map(([namespace]) => namespace);
    // What cannot be listed is where it was.
    return [...places.values()]
      .map(({ object }) => object)
      .filter((of) => of.kind === kind && (scope ?? of.namespace) === of.namespace)
      .map(({ namespace }) => namespace);
  }

  async function placesIn(wanted: readonly string[], scopes: readonly Scope[]): Promise<WatchedPlace[]> {
    const found: WatchedPlace[] = [];
    for (const kind of kinds) {
      const lists = await listAll(kind, scopes);
      const there = [...lists].flatMap(([scope, listed]) => thereIn(kind, scope, listed));
      for (const namespace of new Set([...wanted, ...there])) {
        const listed = lists.get(namespace) ?? lists.get(undefined) ?? nothing;
        const isThere = listed instanceof Error || listed.has(namespace);
        if (!isThere && wishes.cannotBe(idOf(kind, namespace))) continue;
        found.push(placeOf(kind, namespace, listed));
      }
    }
    return found;
  }

  async function refreshSelected(): Promise<void> {
    if (o.namespaceSelector === undefined) return;
    // While they cannot be listed those of before stand; that the API server is away shows at each place.
    const namespaces = await api.listNamespaces(o.namespaceSelector).catch(() => undefined);
    if (namespaces === undefined) return;
    selected = namespaces
      .filter(
        ({ metadata, status }) => metadata.deletionTimestamp === undefined && status?.phase !== 'Terminating',
      )
      .map(({ metadata }) => metadata.name);
  }

  return {
    own: () => placesIn([api.namespace], [api.namespace]),
    async all() {
      await refreshSelected();
      const wanted = [...new Set([api.namespace, ...o.namespaces, ...selected, ...wishes.enforced()])];
      const found = [...(await placesIn(wanted, o.visibleNamespaces ?? [undefined])), ...bundles];
      const ids = new Set(found.map(({ id }) => id));
      for (const id of places.keys()) if (!ids.has(id)) places.delete(id);
      return found;
    },
  };
}
