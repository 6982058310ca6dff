import type { Clock } from '../clock.ts';
import { Fault } from '../fault.ts';
import type { BackOffSettings, KubernetesApi, Secret, Watcher } from '../kubernetes/client.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { type CopyKeeper, createCopyKeeper } from './copy-keeper.ts';
import { directoryTarget } from './directory-target.ts';
import { assertPublishable } from './guard.ts';
import type { PublishedCopy, Publisher } from './publisher.ts';
import { isOurCopy } from './secret-manifest.ts';
import { secretTarget } from './secret-target.ts';
import type { Target } from './target.ts';
import type { TrustMaterial } from './trust-material.ts';

export interface PublisherOptions {
  /** Absent when the service runs without Kubernetes. */
  readonly kubernetes?: Pick<
    KubernetesApi,
    'namespace' | 'getSecret' | 'applySecret' | 'patchSecret' | 'deleteSecret' | 'listSecrets' | 'watch'
  >;
  /** Where `ca.crt`, `ca.crl` and the manifest go as files; no files when absent. */
  readonly directory?: string;
  /** Run by `/bin/sh -c` after the files changed. */
  readonly command?: string;
  /** Default: 30,000. */
  readonly commandTimeoutMs?: number;
  /** The name of the Secret in every namespace. */
  readonly secretName: string;
  /** Namespaces beside our own that always have a copy. */
  readonly namespaces: readonly string[];
  /** The namespaces of enforced Ingresses. */
  wantedNamespaces(): Promise<readonly string[]>;
  readonly clock: Clock;
  readonly metrics?: PublicationMetrics;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** Pauses between attempts on a copy that could not be written. Default: 1 s to 60 s. */
  readonly retry?: BackOffSettings;
  /** Every copy is looked at again after this time, whatever the watch says. Default: 600,000. */
  readonly resyncMs?: number;
  /** How long an edited copy stands before it is repaired: a bound on the quarrel with another writer. Default: 1,000. */
  readonly repairDelayMs?: number;
}

type PublicationMetrics = Pick<
  Metrics,
  'publicationSucceeded' | 'publicationFailed' | 'publicationForgotten' | 'publishedSize'
>;

/** Copies written at the same time. */
const parallelWrites = 8;

export function createPublisher(o: PublisherOptions): Publisher {
  const closing = new AbortController();
  const keepers = new Map<string, CopyKeeper>();
  const { kubernetes, secretName } = o;
  const fixed = kubernetes === undefined ? [] : [...new Set([kubernetes.namespace, ...o.namespaces])];
  let material: TrustMaterial | undefined;
  let watcher: Watcher | undefined;
  let resync: NodeJS.Timeout | undefined;

  const secretId = (namespace: string) => `secret:${namespace}/${secretName}`;

  function keep(target: Target): CopyKeeper {
    const keeper = createCopyKeeper({
      target,
      material: () => material,
      clock: o.clock,
      retry: o.retry ?? { initialMs: 1000, maxMs: 60_000 },
      isWanted: () => isTargetWanted(target.id),
      onUnwanted: () => drop(keeper),
      onWritten(copy) {
        o.metrics?.publicationSucceeded(target.id, new Date(o.clock.now()));
        o.metrics?.publishedSize(copy.sizeBytes);
        if (copy.changed)
          o.log.info({ target: target.id, crlNumber: copy.crlNumber.toString() }, 'published');
      },
      onFailed(error) {
        o.metrics?.publicationFailed(target.id);
        o.log.warn({ target: target.id, err: error }, 'publication failed; it will be tried again');
      },
    });
    keepers.set(target.id, keeper);
    return keeper;
  }

  function drop(keeper: CopyKeeper): void {
    keeper.close();
    if (keepers.get(keeper.id) === keeper) keepers.delete(keeper.id);
    o.metrics?.publicationForgotten(keeper.id);
  }

  /** Another process may have undone the last Ingress of a namespace: its copy must not come back through us. */
  async function isTargetWanted(id: string): Promise<boolean> {
    if (id.startsWith('directory:') || fixed.some((namespace) => secretId(namespace) === id)) return true;
    const wanted = await o.wantedNamespaces().catch(() => undefined);
    return wanted === undefined || wanted.some((namespace) => secretId(namespace) === id);
  }

  function keepSecret(api: NonNullable<typeof kubernetes>, namespace: string): CopyKeeper {
    return keepers.get(secretId(namespace)) ?? keep(secretTarget(api, namespace, secretName));
  }

  /** What enforced Ingresses need; a database outage leaves the copies that we know of. */
  async function keepWanted(): Promise<void> {
    if (kubernetes === undefined) return;
    // A namespace that is enforced from now on is in neither list, so only those from before may be dropped.
    const before = [...keepers.values()];
    try {
      const namespaces = [...fixed, ...(await o.wantedNamespaces())];
      const wanted = new Set(namespaces.map(secretId));
      for (const namespace of namespaces) keepSecret(kubernetes, namespace);
      for (const keeper of before)
        if (keeper.id.startsWith('secret:') && !wanted.has(keeper.id)) drop(keeper);
    } catch (error) {
      o.log.warn({ err: error }, 'the namespaces of enforced Ingresses are not known at present');
    }
  }

  async function bringAll(): Promise<void> {
    const queue = [...keepers.values()];
    const worker = async () => {
      for (let keeper = queue.shift(); keeper !== undefined; keeper = queue.shift()) {
        await keeper.bring().catch(() => undefined); // in status(), and tried again
      }
    };
    await Promise.all(Array.from({ length: parallelWrites }, worker));
  }

  /** An edited or deleted copy comes back; RBAC needs list and watch on Secrets of this one name. */
  function watchCopies(api: NonNullable<typeof kubernetes>): Watcher {
    let lastError = '';
    const delay = o.repairDelayMs ?? 1000;
    const check = (keeper: CopyKeeper, seen: string | undefined) => {
      if (keeper.resourceVersion !== undefined && keeper.resourceVersion !== seen)
        keeper.bringSoon(delay, seen);
    };
    return api.watch(
      'secrets',
      { name: secretName, metadataOnly: true },
      {
        onList(items) {
          lastError = '';
          const seen = new Map(
            items.map(({ metadata }) => [secretId(metadata.namespace ?? ''), metadata.resourceVersion]),
          );
          for (const keeper of keepers.values()) check(keeper, seen.get(keeper.id));
        },
        onEvent(type, { metadata }) {
          const keeper = keepers.get(secretId(metadata.namespace ?? ''));
          if (keeper !== undefined) check(keeper, type === 'DELETED' ? undefined : metadata.resourceVersion);
        },
        onError(error) {
          const message = error instanceof Error ? error.message : String(error);
          if (message !== lastError)
            o.log.warn({ err: error }, 'edits of published copies are not seen at present');
          lastError = message;
        },
      },
    );
  }

  function begin(): void {
    if (resync !== undefined || closing.signal.aborted) return;
    if (kubernetes !== undefined) watcher = watchCopies(kubernetes);
    resync = setInterval(() => void keepWanted().then(bringAll), o.resyncMs ?? 600_000);
    resync.unref();
  }

  /** In the keeper's turn, so that it cannot come between a new wish for the namespace and its write. */
  async function removeCopy(
    api: NonNullable<typeof kubernetes>,
    { metadata }: Secret,
  ): Promise<string | undefined> {
    const { namespace = '', name, uid, resourceVersion } = metadata;
    const keeper = keepSecret(api, namespace);
    return keeper.exclusively(async () => {
      if (await isTargetWanted(keeper.id)) return undefined;
      drop(keeper);
      await api.deleteSecret(namespace, name, {
        ...(uid && { uid }),
        ...(resourceVersion && { resourceVersion }),
      });
      o.log.info({ target: keeper.id }, 'copy removed: no enforced Ingress needs it');
      return keeper.id;
    });
  }

  async function bringNamespace(
    api: NonNullable<typeof kubernetes>,
    namespace: string,
  ): Promise<PublishedCopy> {
    const known = keepers.has(secretId(namespace));
    const keeper = keepSecret(api, namespace);
    try {
      await keeper.bring();
      return keeper.status();
    } catch (error) {
      // The copy was being removed when we came: it is wanted again, by us.
      if (keepers.get(keeper.id) !== keeper && !closing.signal.aborted) return bringNamespace(api, namespace);
      // The caller gives up its wish; what `wantedNamespaces` names is taken up again by the next publication.
      if (!known) drop(keeper);
      throw error;
    }
  }

  if (o.directory !== undefined) {
    const { directory, command } = o;
    keep(
      directoryTarget({
        path: directory,
        secretName,
        ...(command === undefined ? {} : { command }),
        commandTimeoutMs: o.commandTimeoutMs ?? 30_000,
        signal: closing.signal,
      }),
    );
  }
  if (kubernetes !== undefined) for (const namespace of fixed) keepSecret(kubernetes, namespace);

  return {
    async publish(next) {
      assertPublishable(next);
      if (material === undefined || !isOlder(next, material)) material = next;
      begin();
      await keepWanted();
      await bringAll();
    },
    async ensureNamespace(namespace) {
      if (kubernetes === undefined) throw new Fault('kubernetes-off', 'The service runs without Kubernetes');
      if (material === undefined) throw new Fault('key-unavailable', 'There is no CRL to publish yet');
      return bringNamespace(kubernetes, namespace);
    },
    async removeUnwanted(namespace) {
      if (kubernetes === undefined) return [];
      const copies = await kubernetes.listSecrets({
        name: secretName,
        metadataOnly: true,
        ...(namespace === undefined ? {} : { namespace }),
      });
      const removed: string[] = [];
      for (const secret of copies.filter(isOurCopy)) {
        const target = await removeCopy(kubernetes, secret);
        if (target !== undefined) removed.push(target);
      }
      return removed;
    },
    status: async () => [...keepers.values()].map((keeper) => keeper.status()),
    leaderWork: { name: 'publication', start: async () => undefined, stop: async () => undefined },
    async close() {
      closing.abort();
      watcher?.close();
      clearInterval(resync);
      for (const keeper of keepers.values()) keeper.close();
      await Promise.all([...keepers.values()].map((keeper) => keeper.exclusively(async () => undefined)));
    },
  };
}

/** A slower caller does not take us back: the CRL number of the same CAs only rises. */
function isOlder(next: TrustMaterial, present: TrustMaterial): boolean {
  return next.caFingerprints.join() === present.caFingerprints.join() && next.crlNumber < present.crlNumber;
}
