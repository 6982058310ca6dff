import type { BackOffSettings } from '../kubernetes/back-off.ts';
import type { KubernetesApi } from '../kubernetes/client.ts';
import type { Ingress } from '../kubernetes/objects.ts';
import type { LeaderWork, Term } from '../leadership/leadership.ts';
import type { Logger } from '../observability/logger.ts';
import { createWorkQueue } from '../reconcile/create-work-queue.ts';
import { createInformer } from '../reconcile/informer.ts';
import { createAnnouncer } from './announcer.ts';
import { readSurroundings, type Surroundings } from './cluster.ts';
import { createHostIndex } from './host-index.ts';
import type { EnforcementParts } from './parts.ts';
import { createQuarrels } from './quarrels.ts';
import { reconcileIngress } from './reconcile-ingress.ts';
import { neededRevocation } from './revocation.ts';
import type { Turn } from './turn.ts';
import type { VerificationRecord } from './verification-records.ts';

export interface ReconcilerOptions {
  readonly parts: EnforcementParts & { readonly kubernetes: Pick<KubernetesApi, 'watch'> };
  /** Shared with the calls of this process. */
  readonly inTurn: Turn;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** Every Ingress and every record is looked at again after this time, whatever the watch says. Default: 600,000. */
  readonly resyncMs?: number;
  /** Records with something left to do are looked at again after this time. Default: 60,000. */
  readonly sweepMs?: number;
  /** Pauses after a failure, for each Ingress by itself. Default: 1 s to 5 minutes. */
  readonly retry?: BackOffSettings;
}

/** How long IngressClasses and the controller's ConfigMap, which hardly ever change, are taken to be as they were read. */
const surroundingsMs = 10_000;

/** Keeps enforced Ingresses enforced, and follows their annotations, while this replica leads. */
export function createEnforcementReconciler(options: ReconcilerOptions): LeaderWork {
  let running: { stop(): Promise<void> } | undefined;
  return {
    name: 'enforcement',
    async start(term) {
      // Nothing may be changed, so nothing is watched either: there need not be a right to.
      if (options.parts.settings.namespaces.length === 0) return;
      running = run(options, term);
    },
    async stop() {
      const stopping = running;
      running = undefined;
      await stopping?.stop();
    },
  };
}

function run(o: ReconcilerOptions, term: Term): { stop(): Promise<void> } {
  const { parts, inTurn, log } = o;
  const { visibleNamespaces } = parts.settings;
  const hosts = createHostIndex();
  const surroundings = remembered(() => readSurroundings(parts.kubernetes, parts.settings), surroundingsMs);
  const failures = new Map<string, string>();
  /** The same list until one changes: what was found out about all of them is found out once. */
  let everyIngress: readonly Ingress[] | undefined;
  const listIngresses = (): readonly Ingress[] => {
    everyIngress ??= ingresses.list();
    return everyIngress;
  };
  const ingresses = createInformer({
    api: parts.kubernetes,
    resource: 'ingresses',
    ...(visibleNamespaces === undefined ? {} : { namespaces: visibleNamespaces }),
    onChange(key, ingress) {
      everyIngress = undefined;
      for (const each of hosts.update(key, ingress)) queue.add(each);
    },
    onError: (error) => log.warn({ err: error }, 'changes of Ingresses are not seen at present'),
  });
  const reconciling = {
    parts,
    inTurn,
    term,
    quarrels: createQuarrels(parts.clock),
    announcer: createAnnouncer(parts.events),
    ingress: (key: string) => ingresses.get(key),
    cluster: async () => ({ ingresses: listIngresses(), ...(await surroundings()) }),
  };
  const queue = createWorkQueue({
    retry: o.retry ?? { initialMs: 1_000, maxMs: 300_000 },
    async reconcile(key) {
      // Before, an Ingress that is not in the cache may exist all the same.
      await ingresses.synced;
      const result = await reconcileIngress(reconciling, key);
      failures.delete(key);
      return result;
    },
    onFailed(key, error) {
      const message = error instanceof Error ? error.message : String(error);
      // The same failure again is no news, and the end of the term no failure.
      if (term.signal.aborted || failures.get(key) === message) return;
      failures.set(key, message);
      log.warn({ err: error, ingress: key }, 'client verification is not as wished; it will be tried again');
    },
  });

  /** What no watch tells: a wish whose Ingress is gone, whose writer died before it touched the Ingress, or whose CRL grew. */
  async function sweep(everything: boolean): Promise<void> {
    try {
      for (const record of await parts.records.list()) {
        if (everything || isUnfinished(record, parts)) queue.add(`${record.namespace}/${record.name}`);
      }
    } catch (error) {
      log.warn({ err: error }, 'the records of client verification cannot be read at present');
    }
  }

  void sweep(true);
  const timers = [
    setInterval(() => void sweep(false), o.sweepMs ?? 60_000),
    setInterval(() => {
      for (const { metadata } of ingresses.list()) queue.add(`${metadata.namespace}/${metadata.name}`);
      void sweep(true);
    }, o.resyncMs ?? 600_000),
  ];
  for (const timer of timers) timer.unref();
  const unfollow = parts.budget?.onChange?.(() => void sweep(false));
  return {
    async stop() {
      unfollow?.();
      for (const timer of timers) clearInterval(timer);
      ingresses.close();
      await queue.close();
    },
  };
}

function isUnfinished(
  { state, trouble, settings, authority, revocation }: VerificationRecord,
  { budget }: Pick<EnforcementParts, 'budget'>,
): boolean {
  if (state !== 'applied' || trouble.length > 0) return true;
  return neededRevocation(settings, authority, budget) !== revocation.effective;
}

/** Reads at most once in a while; a failure is not remembered. */
function remembered(read: () => Promise<Surroundings>, forMs: number): () => Promise<Surroundings> {
  let last: { readonly at: number; readonly value: Promise<Surroundings> } | undefined;
  return () => {
    if (last !== undefined && performance.now() - last.at < forMs) return last.value;
    const value = read();
    last = { at: performance.now(), value };
    value.catch(() => {
      if (last?.value === value) last = undefined;
    });
    return value;
  };
}
