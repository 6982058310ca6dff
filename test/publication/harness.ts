import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Fault } from '../../src/fault.ts';
import type { KubernetesApi } from '../../src/kubernetes/client.ts';
import { connectKubernetes } from '../../src/kubernetes/connect.ts';
import type { RecordedEvent } from '../../src/kubernetes/event-recorder.ts';
import type { Term } from '../../src/leadership/leadership.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import type { ClusterPublicationOptions } from '../../src/publication/cluster-publication.ts';
import { createPublisher, type PublisherOptions } from '../../src/publication/create-publisher.ts';
import type { PublishedCopy, Publisher } from '../../src/publication/publisher.ts';
import { NotLeading } from '../../src/store/leadership.ts';
import type { PublicationStore } from '../../src/store/publications.ts';
import { objectAt, setAt } from '../support/kubernetes/json.ts';
import { type ApiServer, type ApiServerOptions, startApiServer } from '../support/kubernetes/server.ts';

export const name = 'internal-ca';

/** What all processes share: the cluster and the database. */
export interface Harness {
  readonly server: ApiServer;
  /** The namespaces of enforced Ingresses; a test changes it. */
  readonly wanted: string[];
  readonly database: TestDatabase;
  readonly rows: ReadonlyMap<string, PublishedCopy>;
  /** One more process. */
  start(o?: ProcessOptions): Promise<Process>;
  read(namespace: string, kind?: string): ReturnType<ApiServer['read']>;
  text(namespace: string, key: string, kind?: string): string;
  annotation(namespace: string, key: string): unknown;
  /** Changes one member of the Secret, as somebody else. */
  edit(namespace: string, path: readonly string[], value: unknown): void;
  ingress(namespace: string, name: string, annotations: Record<string, string>): void;
}

/** As far as the publisher sees it. */
export interface TestDatabase {
  away: boolean;
  /** Of the newest term. */
  epoch: bigint;
}

export interface Process {
  readonly api: KubernetesApi;
  readonly publisher: Publisher;
  readonly events: { readonly on: string; readonly event: RecordedEvent }[];
  readonly warnings: string[];
  metrics(): Promise<string>;
  /** Begins a term, the newest unless told otherwise. */
  lead(epoch?: bigint): Promise<TestTerm>;
  state(target: string): Promise<PublishedCopy | undefined>;
}

export interface TestTerm extends Term {
  /** Ends it as leadership does: first the signal, then the work. */
  end(): Promise<void>;
  /** The signal alone. */
  abort(): void;
}

export interface ProcessOptions extends Partial<Omit<PublisherOptions, 'cluster'>> {
  readonly cluster?: Partial<ClusterPublicationOptions>;
  /** Default: an administrator's. */
  readonly token?: string;
}

export async function setUp(t: TestContext, options: ApiServerOptions = {}): Promise<Harness> {
  const server = await startApiServer({ namespaces: ['internal-ca', 'shop', 'blog', 'extra'], ...options });
  const directory = mkdtempSync(join(tmpdir(), 'internal-ca-publication-'));
  const ends: (() => unknown)[] = [];
  t.after(async () => {
    for (const end of ends) await end();
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });
  const wanted: string[] = [];
  const database: TestDatabase = { away: false, epoch: 1n };
  const rows = new Map<string, PublishedCopy>();
  const asking = <T>(answer: () => T): T => {
    if (database.away) throw new Fault('database-unavailable', 'no connection');
    return answer();
  };

  async function start({ cluster, token, times, ...o }: ProcessOptions = {}): Promise<Process> {
    const path = join(directory, `kubeconfig-${ends.length}`);
    writeFileSync(path, server.kubeconfig(token === undefined ? {} : { token }));
    const api = await connectKubernetes({
      connection: { mode: 'kubeconfig', path },
      watchBackOff: { initialMs: 5, maxMs: 20 },
      requestTimeoutMs: 1000,
    });
    const events: Process['events'] = [];
    const warnings: string[] = [];
    const clock = { now: () => Date.UTC(2026, 10, 23) };
    const metrics = createMetrics({ clock, version: '1', processMetrics: false });
    const publisher = createPublisher({
      secretName: name,
      clock,
      metrics,
      log: { info: () => undefined, warn: (_facts: unknown, text?: string) => warnings.push(text ?? '') },
      times: {
        retry: { initialMs: 5, maxMs: 20 },
        repairDelayMs: 5,
        wishesMs: 20,
        waitingMs: 20,
        ...times,
      },
      cluster: {
        api,
        owner: 'internal-ca/internal-ca',
        namespaces: [],
        wantedNamespaces: async () => asking(() => [...wanted]),
        currentEpoch: async () => asking(() => database.epoch),
        store: memoryStore(rows, asking),
        events: {
          record: ({ kind, namespace, name: of }, event) =>
            void events.push({ on: `${kind} ${namespace}/${of}`, event }),
        },
        ...cluster,
      },
      ...o,
    });
    ends.push(
      () => publisher.close(),
      () => api.close(),
    );
    return {
      api,
      publisher,
      events,
      warnings,
      metrics: () => metrics.render(),
      async lead(epoch) {
        database.epoch = epoch ?? database.epoch + 1n;
        const term = testTerm(database.epoch, database, () => publisher.leaderWork.stop());
        await publisher.leaderWork.start(term);
        return term;
      },
      state: async (target) => (await publisher.status()).find((copy) => copy.target === target),
    };
  }

  const read: Harness['read'] = (namespace, kind = 'Secret') => server.read('v1', kind, namespace, name);
  return {
    server,
    wanted,
    database,
    rows,
    start,
    read,
    text(namespace, key, kind) {
      const value = String(objectAt(read(namespace, kind), 'data')[key] ?? '');
      return kind === 'ConfigMap' ? value : Buffer.from(value, 'base64').toString();
    },
    annotation: (namespace, key) => objectAt(read(namespace), 'metadata', 'annotations')[key],
    edit(namespace, path, value) {
      const edited = read(namespace) ?? {};
      setAt(edited, path, value);
      server.put(edited, 'kubectl-edit');
    },
    ingress(namespace, of, annotations) {
      server.put({
        apiVersion: 'networking.k8s.io/v1',
        kind: 'Ingress',
        metadata: { name: of, namespace, annotations },
        spec: { defaultBackend: { service: { name: 'web', port: { number: 80 } } } },
      });
    },
  };
}

function testTerm(epoch: bigint, database: TestDatabase, stop: () => Promise<void>): TestTerm {
  const ending = new AbortController();
  return {
    epoch,
    signal: ending.signal,
    async assertCurrent() {
      if (database.away) throw new Fault('database-unavailable', 'no connection');
      if (database.epoch !== epoch) throw new NotLeading(epoch);
    },
    abort: () => ending.abort(),
    async end() {
      ending.abort();
      await stop();
    },
  };
}

/** As the table does: what an earlier term brings late is passed over. */
function memoryStore(rows: Map<string, PublishedCopy>, asking: <T>(answer: () => T) => T): PublicationStore {
  const epochs = new Map<string, bigint>();
  const mayWrite = (target: string, epoch: bigint) => (epochs.get(target) ?? 0n) <= epoch;
  return {
    list: async () => asking(() => [...rows.values()]),
    async save({ put, forget }, epoch) {
      asking(() => undefined);
      for (const copy of put) {
        if (!mayWrite(copy.target, epoch)) continue;
        rows.set(copy.target, copy);
        epochs.set(copy.target, epoch);
      }
      for (const target of forget) if (mayWrite(target, epoch)) rows.delete(target);
    },
    async retain(targets, epoch) {
      asking(() => undefined);
      for (const target of rows.keys())
        if (!targets.includes(target) && mayWrite(target, epoch)) rows.delete(target);
    },
  };
}

/** Waits for what happens by itself; the test's timeout ends a vain wait. */
export async function until(t: TestContext, condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await pause(5, undefined, { signal: t.signal });
}

/** Long enough for what would have happened by itself. */
export const aWhile = () => pause(120);
