import type { Clock } from '../clock.ts';
import type { BackOffSettings, KubernetesApi, KubernetesObject } from '../kubernetes/client.ts';
import type { EventRecorder } from '../kubernetes/event-recorder.ts';
import type { Term } from '../leadership/leadership.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { createWorkQueue } from '../reconcile/create-work-queue.ts';
import type { WorkResult } from '../reconcile/work-queue.ts';
import { NotLeading } from '../store/leadership.ts';
import type { PublicationStore } from '../store/publications.ts';
import { createCopyBook } from './copy-book.ts';
import { createCopyEvents } from './copy-events.ts';
import type { CopyForms } from './copy-forms.ts';
import { type CopyOwner, isOurCopy, wasWrittenByUs } from './copy-metadata.ts';
import type { CopyNames, CopyPlaces, NamespacedPlace, Place } from './copy-places.ts';
import { createCopyRecords } from './copy-records.ts';
import { openCopyViews } from './copy-views.ts';
import { createCopyWishes } from './copy-wishes.ts';
import { createCopyWriter } from './copy-writer.ts';
import { ingressUsers } from './ingress-users.ts';
import type { CopyReason, PublishedCopy } from './publisher.ts';
import { createRepairPace } from './repair-pace.ts';
import type { TrustMaterial } from './trust-material.ts';
import { leaderFence } from './write-fence.ts';

export interface ClusterKeeperOptions extends CopyNames {
  readonly api: Pick<KubernetesApi, 'namespace' | 'watch' | 'listIngresses'>;
  readonly places: CopyPlaces;
  readonly owner: CopyOwner;
  /** Namespaces beside our own that always have copies. */
  readonly namespaces: readonly string[];
  readonly namespaceSelector?: string | undefined;
  readonly visibleNamespaces?: readonly string[] | undefined;
  /** The namespaces of enforced Ingresses. */
  wantedNamespaces(): Promise<readonly string[]>;
  readonly store: Pick<PublicationStore, 'save' | 'retain'>;
  readonly events: Pick<EventRecorder, 'record'>;
  /** The newest; read at each attempt, so that a late attempt never carries old material. */
  material(): TrustMaterial | undefined;
  readonly forms: Pick<CopyForms, 'of'>;
  readonly clock: Clock;
  readonly metrics?: Pick<Metrics, 'publicationSucceeded' | 'publicationFailed' | 'publicationForgotten'>;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly times: KeeperTimes;
}

/** In milliseconds. */
export interface KeeperTimes {
  /** Pauses between attempts on a copy that could not be written. */
  readonly retry: BackOffSettings;
  /** Every copy is read again after this time, whatever the watch says. */
  readonly resyncMs: number;
  /** How long an edited copy stands before it is repaired for the first time. */
  readonly repairDelayMs: number;
  /** How often to ask the database which namespaces have enforced Ingresses. */
  readonly wishesMs: number;
  /** How often to try what waits, and to read what cannot be watched. */
  readonly waitingMs: number;
}

/** One term's work on the copies in the cluster. */
export interface ClusterKeeper {
  /** There is new material: resolves when each copy was tried once. */
  bringAll(): Promise<void>;
  /** The database may name other namespaces by now. */
  wishesChanged(): void;
  /** Some copies are to have another form. */
  formsChanged(): void;
  /** Reads this copy again. */
  recheck(target: string): void;
  copies(): PublishedCopy[];
  close(): Promise<void>;
}

/** Copies worked on at the same time. */
const parallelWrites = 8;
const wishesKey = 'wishes';

export function startClusterKeeper(o: ClusterKeeperOptions, term: Term): ClusterKeeper {
  const { places, times, log } = o;
  const pace = createRepairPace(times.repairDelayMs);
  const events = createCopyEvents(o.events);
  const records = createCopyRecords({
    store: o.store,
    epoch: term.epoch,
    retry: times.retry,
    onTrouble: (error) => log.warn({ err: error }, 'the state of the copies could not be recorded'),
  });
  const book = createCopyBook({ ...o, onChanged: records.note });
  const queue = createWorkQueue({ reconcile, concurrency: parallelWrites, retry: times.retry, onFailed });
  const views = openCopyViews({
    ...o,
    onCopy: onSeen,
    onNamespace: (name) => addAll(places.in(name)),
    onError: (what, error) => log.warn({ err: error }, `${what} are not seen at present`),
  });
  const wishes = createCopyWishes({
    own: o.api.namespace,
    configured: o.namespaces,
    enforced: o.wantedNamespaces,
    selected: views.selected,
    onTrouble: (error) =>
      log.warn({ err: error }, 'the namespaces of enforced Ingresses are not known at present'),
  });
  const writer = createCopyWriter({
    ...o,
    fence: leaderFence(term),
    book,
    events,
    pace,
    views,
    waitingMs: times.waitingMs,
  });
  let recordsAreOurs = false;

  const wantedPlaces = (): Place[] => [
    ...wishes.namespaces().flatMap((namespace) => places.in(namespace)),
    ...places.ofCluster,
  ];

  /** Also those that nobody wants and that are there. */
  const allPlaces = (): Place[] => {
    const kept = book.list().flatMap(({ target }) => places.find(target) ?? []);
    return [...new Map([...wantedPlaces(), ...kept].map((place) => [place.target.id, place])).values()];
  };

  function addAll(list: Iterable<Pick<Place, 'target'>>): void {
    for (const { target } of list) queue.add(target.id);
  }

  function reasonsFor(place: Place): CopyReason[] {
    return place.kind === 'ClusterTrustBundle' ? ['configured'] : wishes.reasons(place.namespace);
  }

  function onSeen(
    kind: NamespacedPlace['kind'],
    namespace: string,
    object: KubernetesObject | undefined,
  ): void {
    const id = places.in(namespace).find((place) => place.kind === kind)?.target.id;
    if (id === undefined) return;
    const ours = writer.leftAt(id);
    if (ours === undefined || ours !== object?.metadata.resourceVersion) queue.addAfter(id, pace.delayMs(id));
  }

  async function reconcile(key: string): Promise<WorkResult | undefined> {
    if (key === wishesKey) return followWishes();
    const place = places.find(key);
    if (place === undefined) return undefined;
    if (place.kind === 'ClusterTrustBundle') return writer.bring(place, reasonsFor(place));
    // On another replica the last Ingress may have been undone and the copy removed: it must not come back through us.
    if (reasonsFor(place).join() === 'enforced' && views.copy(place) === undefined) await wishes.refresh();
    const why = reasonsFor(place);
    return why.length > 0 ? writer.bring(place, why) : release(place);
  }

  function onFailed(key: string, error: unknown): void {
    const place = places.find(key);
    if (term.signal.aborted || error instanceof NotLeading || place === undefined) return;
    const why = book.get(key)?.why;
    if (why === undefined) {
      log.warn({ target: key, err: error }, 'a copy that nobody needs was not removed');
    } else if (book.failed(place.target, why, error)) {
      events.failed(place, error, uidOf(place));
    }
  }

  function uidOf(place: Place): string | undefined {
    return place.kind === 'ClusterTrustBundle' ? undefined : views.copy(place)?.metadata.uid;
  }

  /** Compares what is wanted now with what was wanted before. */
  async function followWishes(): Promise<WorkResult> {
    const before = new Set(wantedPlaces().map(({ target }) => target.id));
    const read = await wishes.refresh();
    const now = wantedPlaces();
    for (const place of now) book.expect(place.target, reasonsFor(place));
    addAll(now.filter(({ target }) => book.get(target.id)?.state === 'Pending'));
    const wanted = new Set(now.map(({ target }) => target.id));
    for (const id of before) if (!wanted.has(id)) queue.add(id);
    if (read && !recordsAreOurs) {
      records.retain([...wanted]);
      recordsAreOurs = true;
    }
    return { againMs: times.wishesMs };
  }

  /** Nobody wants a copy there. If there is one of ours it goes, unless an Ingress would miss it. */
  async function release(place: NamespacedPlace): Promise<WorkResult | undefined> {
    const { target, namespace } = place;
    const seen = views.copy(place);
    if (seen === undefined || !isOurCopy(seen, o.owner)) {
      writer.forget(target.id);
      return undefined;
    }
    const known = await wishes.refresh();
    const why = reasonsFor(place);
    if (why.length > 0) return writer.bring(place, why);
    if (!known || !wishes.complete) return { againMs: times.waitingMs };
    const users = await ingressUsers(o.api, namespace, o.secretName);
    // Left to itself its CRL would lapse, and with it the hosts of that Ingress.
    if (users !== undefined && users.length > 0)
      return { againMs: times.waitingMs, ...(await writer.bring(place, ['named'])) };
    writer.forget(target.id);
    if (users === undefined)
      log.warn({ target: target.id }, 'a copy that nobody may need stays: Ingresses there cannot be read');
    else await remove(place);
    return undefined;
  }

  async function remove({ target, ...place }: NamespacedPlace): Promise<void> {
    if (term.signal.aborted) throw new NotLeading(term.epoch);
    const seen = await place.lookAtCopy();
    if (seen === undefined) return;
    if (seen === 'holds-more' || !wasWrittenByUs(seen, o.owner)) {
      log.warn(
        { target: target.id },
        'a copy that is not needed any more stays: it holds more than we write, or we did not write it',
      );
      return;
    }
    const { uid = '', resourceVersion = '' } = seen.metadata;
    await place.remove({ uid, resourceVersion });
    log.info({ target: target.id }, 'copy removed: nobody needs it any more');
    // Enforced at this very moment, by a replica that found the copy still there.
    await wishes.refresh();
    if (wishes.reasons(place.namespace).length > 0) queue.add(target.id);
  }

  for (const place of wantedPlaces()) book.expect(place.target, reasonsFor(place));
  addAll(wantedPlaces());
  queue.add(wishesKey);
  const resync = setInterval(() => {
    writer.doubtAll();
    addAll(allPlaces());
  }, times.resyncMs);
  resync.unref();

  return {
    async bringAll() {
      await queue.now(wishesKey).catch(() => undefined);
      await Promise.allSettled(allPlaces().map(({ target }) => queue.now(target.id)));
    },
    wishesChanged: () => queue.add(wishesKey),
    formsChanged: () => addAll(allPlaces()),
    recheck(target) {
      writer.doubt(target);
      queue.add(target);
    },
    copies: () => book.list(),
    async close() {
      clearInterval(resync);
      views.close();
      await queue.close();
      await records.close();
      // Whoever leads next tells of them.
      for (const { target } of book.list()) o.metrics?.publicationForgotten(target);
    },
  };
}
