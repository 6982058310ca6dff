import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { ingressNginx } from '../../src/enforcement/adapters/ingress-nginx.ts';
import {
  createEnforcementService,
  type EnforcementService,
} from '../../src/enforcement/enforcement-service.ts';
import type { EnforcementParts } from '../../src/enforcement/parts.ts';
import type { EnforcementSettings } from '../../src/enforcement/planning.ts';
import { createEnforcementReconciler, type ReconcilerOptions } from '../../src/enforcement/reconciler.ts';
import { createTurn } from '../../src/enforcement/turn.ts';
import { createVerificationRecords } from '../../src/enforcement/verification-records.ts';
import { Fault } from '../../src/fault.ts';
import { connectKubernetes } from '../../src/kubernetes/connect.ts';
import type { Ingress } from '../../src/kubernetes/objects.ts';
import type { ClientVerificationRecord } from '../../src/store/client-verifications.ts';
import type { Rule } from '../support/kubernetes/access.ts';
import { type ApiServer, startApiServer } from '../support/kubernetes/server.ts';
import { type IngressOptions, ingress, verifyUrlFor } from './fixtures.ts';

export interface Harness {
  readonly server: ApiServer;
  readonly service: EnforcementService;
  /** The rows, by `namespace/name`; what is left after a crash. */
  readonly rows: Map<string, ClientVerificationRecord>;
  /** What happened, in order: `put applying`, `secret app`, `delete`, `remove unwanted`. */
  readonly events: string[];
  /** Thrown by the part of that name at its next call. */
  readonly fail: { secret?: Error; put?: Error; remove?: Error };
  readonly warnings: string[];
  /** The Events, in order. */
  readonly told: Told[];
  /** The time that the parts are told; add to it. */
  readonly clock: { readonly now: () => number; advance(ms: number): void };
  readonly parts: ReconcilerOptions['parts'];
  /** Leads from now on: reconciles until `stop()`, or the end of the test. */
  lead(
    options?: Partial<ReconcilerOptions>,
    /** Asked before each write; `end` ends the term. */
    assertCurrent?: (end: () => void) => Promise<void>,
  ): Promise<{ stop(): Promise<void> }>;
  /** Puts an Ingress there as `kubectl` would. */
  place(options?: IngressOptions, manager?: string): void;
  live(name?: string, namespace?: string): Promise<Ingress>;
  annotations(name?: string, namespace?: string): Promise<Record<string, string>>;
}

/** An Event beside an Ingress. */
export interface Told {
  readonly ingress: string;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
}

export const requester = 'token:42';

/** The service on the stand-in API server, with rows in memory and a publisher that only keeps a record. */
export async function startHarness(
  t: TestContext,
  settings: Partial<EnforcementSettings> = {},
  rights?: readonly Rule[],
): Promise<Harness> {
  const server = await startApiServer({ namespaces: ['app', 'shop', 'internal-ca'] });
  t.after(() => server.stop());
  const directory = await mkdtemp(join(tmpdir(), 'internal-ca-enforcement-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const path = join(directory, 'kubeconfig');
  await writeFile(path, server.kubeconfig());
  const admin = await connectKubernetes({ connection: { mode: 'kubeconfig', path } });
  t.after(() => admin.close());
  const kubernetes = rights === undefined ? admin : await connectAs(t, server, rights, directory);
  const rows = new Map<string, ClientVerificationRecord>();
  const events: string[] = [];
  const warnings: string[] = [];
  const fail: Harness['fail'] = {};
  let now = Date.parse('2026-11-23T12:00:00Z');
  const clock = {
    now: () => now,
    advance(ms: number) {
      now += ms;
    },
  };
  server.put({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: { name: 'nginx' },
    spec: { controller: 'k8s.io/ingress-nginx' },
  });
  const told: Told[] = [];
  const parts = {
    kubernetes,
    records: createVerificationRecords(memoryRows(rows, events, fail)),
    publisher: {
      async ensureNamespace(namespace) {
        if (fail.secret !== undefined) throw fail.secret;
        events.push(`secret ${namespace}`);
        return {
          target: `secret:${namespace}/internal-ca`,
          state: 'Current',
          why: ['enforced'],
          caFingerprints: [],
        };
      },
      async removeUnwanted() {
        events.push('remove unwanted');
        return [];
      },
      status: async () => [
        {
          target: 'secret:app/internal-ca',
          state: 'Current',
          why: ['enforced'],
          caFingerprints: [],
          crlNumber: '7',
        },
      ],
    },
    authorities: {
      default: { name: 'internal-ca', chain: [] },
      get(name) {
        if (name === 'deep') return { name, chain: [{}, {}] };
        if (name === 'internal-ca') return { name, chain: [] };
        throw new Fault('authority-not-found', `There is no authority ${name}`);
      },
    },
    withAdvisoryLock: <T>(_key: string, work: () => Promise<T>) => work(),
    clock,
    verifyUrlFor,
    adapters: [ingressNginx],
    settings: {
      secretName: 'internal-ca',
      copyOwner: 'internal-ca/internal-ca',
      controller: 'ingress-nginx',
      namespaces: ['*'],
      declarativeNamespaces: [],
      ...settings,
    },
    warn: (message: string) => void warnings.push(message),
    events: {
      record: ({ namespace, name }, { type, reason, message }) =>
        void told.push({ ingress: `${namespace}/${name}`, type, reason, message }),
    },
  } satisfies EnforcementParts;
  const inTurn = createTurn(parts);
  async function live(name = 'web', namespace = 'app'): Promise<Ingress> {
    const found = await admin.getIngress(namespace, name);
    if (found === undefined) throw new Error(`there is no Ingress ${namespace}/${name}`);
    return found;
  }
  return {
    server,
    service: createEnforcementService(parts, inTurn),
    rows,
    events,
    fail,
    warnings,
    told,
    clock,
    parts,
    lead: (options, assertCurrent) =>
      lead(
        t,
        { parts, inTurn, log: { info: () => undefined, warn: () => undefined }, ...options },
        assertCurrent,
      ),
    place(options = {}, manager = 'kubectl') {
      const { uid: _ours, ...metadata } = ingress(options).metadata;
      server.put({ ...ingress(options), metadata }, manager);
    },
    live,
    annotations: async (name, namespace) => ({ ...(await live(name, namespace)).metadata.annotations }),
  };
}

/** A client with these rights only. */
async function connectAs(t: TestContext, server: ApiServer, rights: readonly Rule[], directory: string) {
  const path = join(directory, 'limited');
  await writeFile(path, server.kubeconfig({ token: server.tokenFor(rights) }));
  const kubernetes = await connectKubernetes({ connection: { mode: 'kubeconfig', path } });
  t.after(() => kubernetes.close());
  return kubernetes;
}

/** A term that lasts until it is ended. */
async function lead(
  t: TestContext,
  options: ReconcilerOptions,
  assertCurrent: (end: () => void) => Promise<void> = async () => undefined,
): Promise<{ stop(): Promise<void> }> {
  const work = createEnforcementReconciler({
    retry: { initialMs: 20, maxMs: 200 },
    sweepMs: 100,
    ...options,
  });
  const ending = new AbortController();
  await work.start({
    epoch: 1n,
    signal: ending.signal,
    assertCurrent: () => assertCurrent(() => ending.abort()),
  });
  const stop = async () => {
    ending.abort();
    await work.stop();
  };
  t.after(stop);
  return { stop };
}

export function memoryRows(
  rows: Map<string, ClientVerificationRecord>,
  events: string[],
  fail: Harness['fail'],
) {
  const keyOf = (namespace: string, name: string) => `${namespace}/${name}`;
  return {
    async put(record: ClientVerificationRecord) {
      if (fail.put !== undefined) throw fail.put;
      const { state } = record.spec as { readonly state: string };
      events.push(`put ${state}`);
      // Through JSON, as the columns do.
      const stored = {
        ...record,
        ...JSON.parse(
          JSON.stringify({
            spec: record.spec,
            before: record.before,
            written: record.written,
            trouble: record.trouble,
          }),
        ),
      };
      rows.set(keyOf(record.namespace, record.name), stored);
      return stored;
    },
    find: async (namespace: string, name: string) => rows.get(keyOf(namespace, name)),
    list: async () =>
      [...rows.values()].sort((a, b) => (keyOf(a.namespace, a.name) < keyOf(b.namespace, b.name) ? -1 : 1)),
    async delete(namespace: string, name: string) {
      if (fail.remove !== undefined) throw fail.remove;
      events.push('delete');
      return rows.delete(keyOf(namespace, name));
    },
  };
}
