import type { Clock } from '../clock.ts';
import { Fault } from '../fault.ts';
import type { KubernetesApi } from '../kubernetes/client.ts';
import type { Term } from '../leadership/leadership.ts';
import type { Logger } from '../observability/logger.ts';
import type { PublicationStore } from '../store/publications.ts';
import { type ClusterKeeper, type ClusterKeeperOptions, startClusterKeeper } from './cluster-keeper.ts';
import { currentCopy } from './copy-book.ts';
import { createCopyEvents } from './copy-events.ts';
import type { CopyForms, CopyReader } from './copy-forms.ts';
import { createCopyPlaces, type PlacesClient } from './copy-places.ts';
import type { CopyReason, PublishedCopy } from './publisher.ts';
import { removeUnlessWanted } from './removal.ts';
import type { TrustMaterial } from './trust-material.ts';
import { requestFence } from './write-fence.ts';

/** What the cluster asks for, and what the service tells about it. */
export interface ClusterPublicationOptions
  extends Pick<
    ClusterKeeperOptions,
    | 'owner'
    | 'namespaces'
    | 'namespaceSelector'
    | 'visibleNamespaces'
    | 'configMapName'
    | 'clusterTrustBundleName'
    | 'wantedNamespaces'
    | 'events'
  > {
  readonly api: PlacesClient &
    Pick<KubernetesApi, 'namespace' | 'watch' | 'listIngresses' | 'listNamespaces'>;
  readonly store: PublicationStore;
  /** The newest term of all replicas. @throws Fault `database-unavailable` */
  currentEpoch(): Promise<bigint>;
}

interface Options extends ClusterPublicationOptions, Pick<ClusterKeeperOptions, 'times' | 'metrics'> {
  readonly secretName: string;
  material(): TrustMaterial | undefined;
  readonly forms: CopyForms;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

/** The copies in the cluster: what every replica may ask for, and what one of them keeps. */
export interface ClusterPublication {
  lead(term: Term): void;
  rest(): Promise<void>;
  /** Resolves when each copy was tried once; at once when another replica keeps them. */
  bringAll(): Promise<void>;
  /** Some copies are to have another form. */
  formsChanged(): void;
  /** Nothing where another replica keeps the copies. */
  recheck(target: string): void;
  /** As in `Publisher`. */
  ensureNamespace(namespace: string, reader?: CopyReader): Promise<PublishedCopy>;
  removeUnwanted(namespace: string): Promise<string[]>;
  copies(): Promise<PublishedCopy[]>;
}

export function createClusterPublication(o: Options): ClusterPublication {
  const { api, store, log } = o;
  const places = createCopyPlaces(api, o, o);
  const events = createCopyEvents(o.events);
  let keeper: ClusterKeeper | undefined;

  function fixedReasons(namespace: string): CopyReason[] {
    const reasons: CopyReason[] = [];
    if (namespace === api.namespace) reasons.push('own');
    if (o.namespaces.includes(namespace)) reasons.push('configured');
    return reasons;
  }

  async function isWanted(namespace: string): Promise<boolean> {
    if (fixedReasons(namespace).length > 0) return true;
    if ((await o.wantedNamespaces()).includes(namespace)) return true;
    if (o.namespaceSelector === undefined) return false;
    const selected = await api.listNamespaces(o.namespaceSelector);
    return selected.some(({ metadata }) => metadata.name === namespace);
  }

  async function ensureNamespace(
    namespace: string,
    reader: CopyReader = { asksOnline: false },
  ): Promise<PublishedCopy> {
    const material = o.material();
    if (material === undefined) throw new Fault('key-unavailable', 'There is no CRL to publish yet');
    const place = places.secret(namespace);
    const { target } = place;
    const form = await o.forms.forCall(namespace, reader);
    const written = await target.write(material, form, requestFence(o.currentEpoch));
    if (written === undefined) throw new Fault('internal', `${target.id} is a kind that no cluster lacks`);
    if (written.change !== 'kept') log.info({ target: target.id }, 'published');
    if (written.change === 'created') events.published(place, written);
    const why: CopyReason[] = [...fixedReasons(namespace), 'enforced'];
    const copy = currentCopy(target, why, written, new Date(o.clock.now()));
    await record({ put: [copy], forget: [] });
    keeper?.wishesChanged();
    return copy;
  }

  /** What is not recorded now, whoever leads records with its next look. */
  async function record(change: Parameters<PublicationStore['save']>[0]): Promise<void> {
    try {
      await store.save(change, await o.currentEpoch());
    } catch (error) {
      log.warn({ err: error }, 'the state of a copy could not be recorded');
    }
  }

  return {
    lead(term) {
      keeper = startClusterKeeper({ ...o, places }, term);
    },
    async rest() {
      const ending = keeper;
      keeper = undefined;
      await ending?.close();
    },
    bringAll: async () => keeper?.bringAll(),
    formsChanged: () => keeper?.formsChanged(),
    recheck: (target) => keeper?.recheck(target),
    ensureNamespace,
    async removeUnwanted(namespace) {
      const removed: string[] = [];
      for (const place of places.in(namespace)) {
        const outcome = await removeUnlessWanted(place, o.owner, () => isWanted(namespace));
        if (outcome === 'wanted-again') await ensureNamespace(namespace);
        if (outcome === 'removed') removed.push(place.target.id);
      }
      if (removed.length > 0) {
        log.info({ targets: removed }, 'copy removed: no enforced Ingress needs it');
        await record({ put: [], forget: removed });
        keeper?.wishesChanged();
      }
      return removed;
    },
    async copies() {
      const kept = keeper?.copies() ?? [];
      // Who leads knows it first, and also while the database is away.
      const recorded = await store.list().catch((error: unknown) => {
        if (keeper === undefined) throw error;
        return [];
      });
      const copies = new Map(recorded.map((copy) => [copy.target, copy]));
      for (const copy of kept)
        if (copy.state !== 'Pending' || !copies.has(copy.target)) copies.set(copy.target, copy);
      return [...copies.values()].sort((a, b) => (a.target < b.target ? -1 : 1));
    },
  };
}
