import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, it } from 'node:test';
import { ingressNginx } from '../../src/enforcement/adapters/ingress-nginx.ts';
import {
  createEnforcementService,
  type EnforcementService,
} from '../../src/enforcement/enforcement-service.ts';
import { createEnforcementReconciler } from '../../src/enforcement/reconciler.ts';
import { createTurn } from '../../src/enforcement/turn.ts';
import { createVerificationRecords } from '../../src/enforcement/verification-records.ts';
import { createEventRecorder } from '../../src/kubernetes/event-recorder.ts';
import { eventually } from '../support/eventually.ts';
import { contract } from '../support/kubernetes/contract.ts';
import { objectAt } from '../support/kubernetes/json.ts';
import { prefix, prefixed } from './fixtures.ts';
import { memoryRows } from './harness.ts';

/** Who holds which annotation is the API server's business, so this is tried on a real one, too. */

const asks = 'internal-ca.io/client-verification';
const requester = 'token:42';
const silent = { info: () => undefined, warn: () => undefined };

contract('Enforcement that stays', (ground) => {
  let className = '';
  const classes = '/apis/networking.k8s.io/v1/ingressclasses';
  let name = '';
  let service: EnforcementService;
  let end = async (): Promise<void> => undefined;

  beforeEach(async () => {
    className = `internal-ca-test-${randomBytes(4).toString('hex')}`;
    await ground.cluster.request({
      method: 'POST',
      path: classes,
      body: {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'IngressClass',
        metadata: { name: className },
        spec: { controller: 'k8s.io/ingress-nginx' },
      },
    });
  });

  beforeEach(async () => {
    name = `web-${randomBytes(4).toString('hex')}`;
    const kubernetes = await ground.cluster.connectAs(rules);
    const events = createEventRecorder({ api: kubernetes, clock: { now: () => Date.now() }, log: silent });
    const parts = {
      kubernetes,
      records: createVerificationRecords(memoryRows(new Map(), [], {})),
      publisher: {
        ensureNamespace: async (namespace: string) => copyOf(namespace),
        removeUnwanted: async () => [],
        status: async () => [],
      },
      authorities: {
        default: { name: 'internal-ca', chain: [] },
        get: (authority: string) => ({ name: authority, chain: [] }),
      },
      withAdvisoryLock: <T>(_key: string, work: () => Promise<T>) => work(),
      clock: { now: () => Date.now() },
      adapters: [ingressNginx] as const,
      settings: {
        secretName: 'internal-ca',
        copyOwner: 'internal-ca/internal-ca',
        controller: 'ingress-nginx' as const,
        namespaces: ['*'],
        declarativeNamespaces: [ground.namespace],
      },
      warn: () => undefined,
      events,
    };
    const inTurn = createTurn(parts);
    service = createEnforcementService(parts, inTurn);
    const retry = { initialMs: 50, maxMs: 500 };
    const reconciler = createEnforcementReconciler({ parts, inTurn, log: silent, retry });
    const term = new AbortController();
    await reconciler.start({ epoch: 1n, signal: term.signal, assertCurrent: async () => undefined });
    end = async () => {
      term.abort();
      await reconciler.stop();
      await events.close();
    };
  });
  afterEach(async () => {
    await end();
    await ground.cluster.request({ method: 'DELETE', path: `${classes}/${className}` });
  });

  const path = (of = name) =>
    `/apis/networking.k8s.io/v1/namespaces/${ground.namespace}/ingresses${of === '' ? '' : `/${of}`}`;

  /** What a GitOps tool keeps in its repository. */
  const manifest = (annotations: Readonly<Record<string, string>>) => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name, namespace: ground.namespace, annotations },
    spec: {
      ingressClassName: className,
      rules: [
        {
          host: `${name}.example`,
          http: {
            paths: [
              { path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } },
            ],
          },
        },
      ],
      tls: [{ hosts: [`${name}.example`], secretName: 'public-tls' }],
    },
  });

  const applyAs = (manager: string, annotations: Readonly<Record<string, string>>, force = false) =>
    ground.cluster.request({
      method: 'PATCH',
      path: path(),
      contentType: 'application/apply-patch+yaml',
      manager,
      query: { force: String(force) },
      body: manifest(annotations),
    });

  const editAs = (manager: string, annotations: Readonly<Record<string, string | null>>) =>
    ground.cluster.request({
      method: 'PATCH',
      path: path(),
      contentType: 'application/merge-patch+json',
      manager,
      body: { metadata: { annotations } },
    });

  const annotations = async () => ({
    ...(await ground.cluster.admin.getIngress(ground.namespace, name))?.metadata.annotations,
  });
  const ours = () =>
    prefixed({
      'auth-tls-secret': `${ground.namespace}/internal-ca`,
      'auth-tls-verify-client': 'on',
      'auth-tls-verify-depth': '1',
      'auth-tls-pass-certificate-to-upstream': 'true',
      'force-ssl-redirect': 'true',
    });
  const stands = (expected: Readonly<Record<string, string>>) =>
    eventually(async () => assert.deepEqual(await annotations(), expected));
  const state = (expected: string) =>
    eventually(async () => assert.equal((await service.state(ground.namespace, name)).state, expected));

  async function told(reason: string): Promise<string> {
    const list = `/api/v1/namespaces/${ground.namespace}/events`;
    return eventually(async () => {
      const { items } = objectAt(
        { list: await ground.cluster.request({ method: 'GET', path: list }) },
        'list',
      );
      const events: unknown[] = Array.isArray(items) ? items : [];
      const event = events.find(
        (each) =>
          objectAt(each, 'involvedObject').name === name && objectAt({ each }, 'each').reason === reason,
      );
      assert.ok(event, `no Event ${reason}`);
      return String(objectAt({ event }, 'event').message);
    });
  }

  it('follows what a GitOps tool applies, and lets go when it is taken out again', async () => {
    await applyAs('argocd-controller', { [asks]: 'on', 'example.com/x': '1' });
    await stands({ [asks]: 'on', 'example.com/x': '1', ...ours() });
    assert.match(await told('ClientVerificationEnforced'), /by annotation/);
    // A sync without any change is no quarrel, and takes nothing of ours away.
    await applyAs('argocd-controller', { [asks]: 'on', 'example.com/x': '1' });
    await applyAs('argocd-controller', { 'example.com/x': '1' });
    await stands({ 'example.com/x': '1' });
    await told('ClientVerificationUndone');
    const live = await ground.cluster.admin.getIngress(ground.namespace, name);
    const managers = live?.metadata.managedFields?.map(({ manager }) => manager);
    assert.ok(
      !managers?.includes('internal-ca'),
      `still held: ${JSON.stringify(live?.metadata.managedFields)}`,
    );
  });

  it('puts back what an edit or a replacement took away', async () => {
    await applyAs('helm', {});
    await service.enforce(ground.namespace, name, {}, { requester });
    await editAs('kubectl-annotate', { [`${prefix}auth-tls-secret`]: null });
    await stands(ours());
    assert.match(await told('DriftRepaired'), /auth-tls-secret/);
    const live = await ground.cluster.admin.getIngress(ground.namespace, name);
    const { resourceVersion } = live?.metadata ?? {};
    const replacement = manifest({ 'example.com/x': '1' });
    await ground.cluster.request({
      method: 'PUT',
      path: path(),
      manager: 'kubectl-replace',
      body: { ...replacement, metadata: { ...replacement.metadata, resourceVersion } },
    });
    await stands({ 'example.com/x': '1', ...ours() });
  });

  it('names who holds an annotation, does not fight, and converges when they let go', async () => {
    await applyAs('helm', {});
    await service.enforce(ground.namespace, name, {}, { requester });
    await applyAs('helm', { [`${prefix}auth-tls-verify-client`]: 'off' }, true);
    await state('Conflict');
    const { observed } = await service.state(ground.namespace, name);
    assert.deepEqual(
      observed.conflicts.map(({ manager, found, wanted }) => ({ manager, found, wanted })),
      [{ manager: 'helm', found: 'off', wanted: 'on' }],
    );
    assert.match(await told('FieldManagerConflict'), /by helm/);
    await editAs('kubectl-edit', { [`${prefix}auth-tls-secret`]: null });
    await stands({ ...ours(), [`${prefix}auth-tls-verify-client`]: 'off' });
    await applyAs('helm', {});
    await stands(ours());
    await state('Enforced');
  });

  it('enforces an Ingress that was made anew, and restores what stood on the new one', async () => {
    await applyAs('helm', {});
    await service.enforce(ground.namespace, name, {}, { requester });
    await ground.cluster.request({ method: 'DELETE', path: path() });
    await state('Missing');
    await applyAs('helm', { [`${prefix}force-ssl-redirect`]: 'false' });
    await stands(ours());
    await state('Enforced');
    await service.undo(ground.namespace, name, { requester });
    await stands({ [`${prefix}force-ssl-redirect`]: 'false' });
  });

  it('is not in its own way: what it restored once, it overrules when asked again', async () => {
    const redirect = `${prefix}force-ssl-redirect`;
    await applyAs('flux', {});
    await editAs('kubectl-edit', { [redirect]: 'false' });
    await service.enforce(ground.namespace, name, {}, { requester });
    await service.undo(ground.namespace, name, { requester });
    await stands({ [redirect]: 'false' });
    await applyAs('flux', { [asks]: 'on' });
    await stands({ [asks]: 'on', ...ours() });
    await applyAs('flux', {});
    await stands({ [redirect]: 'false' });
  });

  it('leaves a contradiction in the manifest to its owner', async () => {
    const contradiction = { [asks]: 'on', [`${prefix}auth-tls-verify-client`]: 'off' };
    await applyAs('flux', contradiction);
    await state('Conflict');
    assert.deepEqual(await annotations(), contradiction);
    await applyAs('flux', { [asks]: 'on' });
    await stands({ [asks]: 'on', ...ours() });
  });
});

/** What of the chart's rights enforcement needs. */
const rules = [
  {
    apiGroups: ['networking.k8s.io'],
    resources: ['ingresses'],
    verbs: ['get', 'list', 'watch', 'patch'],
  },
  { apiGroups: ['networking.k8s.io'], resources: ['ingressclasses'], verbs: ['list'] },
  { apiGroups: [''], resources: ['secrets', 'namespaces'], verbs: ['get'] },
  { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
];

function copyOf(namespace: string) {
  return {
    target: `secret:${namespace}/internal-ca`,
    state: 'Current' as const,
    why: ['enforced' as const],
    caFingerprints: [],
  };
}
