import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Installation, ingress, install, present } from '../support/chart/installation.ts';
import { renderChart } from '../support/chart/render.ts';
import { rightsOf, rulesOf } from '../support/chart/rights.ts';
import { makeCsr } from '../support/csr.ts';
import { eventually } from '../support/eventually.ts';
import { objectAt, stringAt } from '../support/kubernetes/json.ts';
import type { TestService } from '../support/service.ts';
import { skipUnless } from '../support/skip.ts';

/**
 * The chart's RBAC, held against what the service really asks of the API: enough, and not more. Each installation is
 * driven through all that it can do; then no call may have been refused, and no right be left over.
 */

const replicated = ['database.existingSecret=db', 'adminToken.existingSecret=admin', 'replicas=2'];
const secretName = 'internal-ca';
const rootsName = 'internal-ca-roots';
const verification = (namespace: string, name = 'web') =>
  `/v1/namespaces/${namespace}/ingresses/${name}/client-verification`;

test('the defaults: one replica, its key in a file, any Ingress', async (t) => {
  if (skipUnless(t, 'helm')) return;
  const installed = await install(t, []);
  const service = await installed.replica();
  await copiesIn(installed, ['internal-ca'], false);
  await enforceAndUndo(installed, service, 'shop', false);
  await repairs(installed, ['internal-ca'], false);
  await finish(installed, service);
});

test('cluster: a selector, every kind of copy, any Ingress, service accounts', async (t) => {
  if (skipUnless(t, 'helm')) return;
  const installed = await install(t, [
    ...replicated,
    'publication.namespaceSelector=internal-ca=trusted',
    `publication.configMapName=${rootsName}`,
    'publication.clusterTrustBundleName=internal-ca',
    'enforcement.declarativeNamespaces={*}',
    'access.serviceAccountGrants[0].subject=system:serviceaccount:shop:issuer',
    'access.serviceAccountGrants[0].role=issuer',
    'access.serviceAccountGrants[0].profiles={client}',
  ]);
  const leader = await elect(installed);
  await label(installed, 'edge', 'trusted');
  await copiesIn(installed, ['internal-ca', 'edge'], true);
  await eventually(() =>
    present(installed.server, 'certificates.k8s.io/v1beta1', 'ClusterTrustBundle', undefined, 'internal-ca'),
  );
  await enforceAndUndo(installed, leader, 'shop', true);
  await declare(installed, 'shop');
  await repairs(installed, ['internal-ca', 'edge'], true);
  await label(installed, 'edge', 'no');
  await gone(installed, 'edge', true);
  await issueAsServiceAccount(installed, leader);
  await finish(installed, leader);
});

test('cluster: Ingresses and copies in named namespaces alone', async (t) => {
  if (skipUnless(t, 'helm')) return;
  const installed = await install(t, [
    ...replicated,
    'publication.namespaces={edge}',
    'enforcement.namespaces={shop}',
    'enforcement.controllerConfigMap=ingress-nginx/controller',
  ]);
  const leader = await elect(installed);
  await copiesIn(installed, ['internal-ca', 'edge'], false);
  await enforceAndUndo(installed, leader, 'shop', false);
  await repairs(installed, ['internal-ca', 'edge'], false);
  const refused = await leader.call('PUT', verification('other'), { body: {} });
  assert.equal(refused.status, 422, refused.body.toString());
  assert.equal(installed.server.read('v1', 'Secret', 'other', secretName), undefined);
  await finish(installed, leader);
});

test('namespaces: no right anywhere else', async (t) => {
  if (skipUnless(t, 'helm')) return;
  const installed = await install(t, [
    ...replicated,
    'rbac.scope=namespaces',
    'publication.namespaces={edge}',
    `publication.configMapName=${rootsName}`,
    'enforcement.namespaces={shop}',
    'enforcement.controller=ingress-nginx',
    'enforcement.declarativeNamespaces={shop}',
    'enforcement.controllerConfigMap=ingress-nginx/controller',
  ]);
  assert.deepEqual(
    installed.unused().filter((right) => right.startsWith('everywhere')),
    [],
  );
  const leader = await elect(installed);
  await copiesIn(installed, ['internal-ca', 'edge'], true);
  await enforceAndUndo(installed, leader, 'shop', true);
  await declare(installed, 'shop');
  await repairs(installed, ['internal-ca', 'edge'], true);
  await finish(installed, leader);
});

test('publishing alone: no Ingress is looked at but before a copy is removed', async (t) => {
  if (skipUnless(t, 'helm')) return;
  const installed = await install(t, [
    ...replicated,
    'enforcement.enabled=false',
    'publication.namespaceSelector=internal-ca=trusted',
  ]);
  const leader = await elect(installed);
  await label(installed, 'edge', 'trusted');
  await copiesIn(installed, ['internal-ca', 'edge'], false);
  await repairs(installed, ['internal-ca', 'edge'], false);
  await label(installed, 'edge', 'no');
  await gone(installed, 'edge', false);
  await finish(installed, leader);
});

test('no rule reaches a Secret of another name, but to create the key in the own namespace', (t) => {
  if (skipUnless(t, 'helm')) return;
  const rules = rulesOf(renderChart({ set: replicated }));
  const secrets = rightsOf(rules.filter(({ resources }) => resources.includes('secrets')));
  assert.ok(secrets.length > 5);
  assert.deepEqual(
    secrets.filter((right) => !/ secrets internal-ca(-key)?$/.test(right)),
    ['internal-ca: create secrets'],
  );
});

/** Two replicas; the one that leads. The key is made, and the Lease created, got and updated. */
async function elect({ replica, server }: Installation): Promise<TestService> {
  server.put({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'controller', namespace: 'ingress-nginx' },
    data: {},
  });
  const first = await replica();
  const second = await replica();
  await first.stop();
  return second;
}

async function copiesIn({ server }: Installation, places: readonly string[], roots: boolean): Promise<void> {
  await eventually(() => {
    for (const namespace of places) {
      present(server, 'v1', 'Secret', namespace, secretName);
      if (roots) present(server, 'v1', 'ConfigMap', namespace, rootsName);
    }
  });
}

async function gone({ server }: Installation, namespace: string, roots: boolean): Promise<void> {
  await eventually(() => {
    assert.equal(server.read('v1', 'Secret', namespace, secretName), undefined);
    if (roots) assert.equal(server.read('v1', 'ConfigMap', namespace, rootsName), undefined);
  });
}

async function enforceAndUndo(
  installed: Installation,
  leader: TestService,
  namespace: string,
  roots: boolean,
) {
  const missing = await leader.call('PUT', verification(namespace, 'nonesuch'), { body: {} });
  assert.equal(missing.status, 404, missing.body.toString());
  const enforced = await leader.call('PUT', verification(namespace), { body: {} });
  assert.equal(enforced.status, 200, enforced.body.toString());
  await copiesIn(installed, [namespace], roots);
  await repairs(installed, [namespace], roots);
  const probed = await leader.call('POST', `${verification(namespace)}/probe`);
  assert.equal(probed.status, 200, probed.body.toString());
  const undone = await leader.call('DELETE', verification(namespace));
  assert.ok(undone.status < 300, undone.body.toString());
  await gone(installed, namespace, roots);
}

/** An Ingress asks by itself, and takes it back. */
async function declare(installed: Installation, namespace: string): Promise<void> {
  const { server } = installed;
  server.put(ingress(namespace, 'asks', { 'internal-ca.io/client-verification': 'on' }));
  await eventually(() => {
    const found = present(server, 'networking.k8s.io/v1', 'Ingress', namespace, 'asks');
    const key = 'nginx.ingress.kubernetes.io/auth-tls-secret';
    assert.equal(stringAt(found, 'metadata', 'annotations', key), `${namespace}/${secretName}`);
  });
  server.put(ingress(namespace, 'asks'));
  await eventually(() => assert.equal(server.read('v1', 'Secret', namespace, secretName), undefined));
}

/** Each copy is edited and comes back, until the same Event was needed twice, so that it was counted up. */
async function repairs(installed: Installation, places: readonly string[], roots: boolean): Promise<void> {
  const uncounted = () =>
    installed.unused().filter((right) => places.some((namespace) => right === `${namespace}: patch events`));
  for (let round = 0; round < 2 || (uncounted().length > 0 && round < 5); round++) {
    for (const namespace of places) {
      spoil(installed, 'Secret', namespace, secretName);
      if (roots) spoil(installed, 'ConfigMap', namespace, rootsName);
    }
    await eventually(() => {
      for (const namespace of places) {
        assert.ok(isWhole(installed, 'Secret', namespace, secretName), namespace);
        if (roots) assert.ok(isWhole(installed, 'ConfigMap', namespace, rootsName), namespace);
      }
    });
    // Events are written in the background.
    await eventually(() => assert.deepEqual(uncounted(), []), 1_000).catch(() => undefined);
  }
}

function spoil({ server }: Installation, kind: string, namespace: string, name: string): void {
  const copy = present(server, 'v1', kind, namespace, name);
  server.put({ ...copy, data: { ...objectAt(copy, 'data'), 'ca.crt': '' } }, 'somebody');
}

function isWhole({ server }: Installation, kind: string, namespace: string, name: string): boolean {
  return stringAt(present(server, 'v1', kind, namespace, name), 'data', 'ca.crt') !== '';
}

/** What the selector looks at. */
async function label({ server }: Installation, namespace: string, value: string): Promise<void> {
  const found = present(server, 'v1', 'Namespace', undefined, namespace);
  const metadata = objectAt(found, 'metadata');
  server.put({
    ...found,
    metadata: { ...metadata, labels: { ...objectAt(metadata, 'labels'), 'internal-ca': value } },
  });
}

async function issueAsServiceAccount({ server }: Installation, service: TestService): Promise<void> {
  const token = server.serviceAccountToken({ namespace: 'shop', name: 'issuer', audiences: ['internal-ca'] });
  const answer = await service.call('POST', '/v1/certificates', {
    token,
    body: { csr: (await makeCsr()).pem },
  });
  assert.equal(answer.status, 201, answer.body.toString());
}

/** Everything that a reader can ask for, too; then nothing may have been refused, nor be left over. */
async function finish(installed: Installation, service: TestService): Promise<void> {
  for (const path of ['/v1/publications', '/v1/client-verifications', '/metrics', '/readyz']) {
    const answer = await service.call('GET', path);
    assert.equal(answer.status, 200, `${path} ${answer.body}`);
  }
  await service.stop();
  assert.deepEqual(installed.refusals(), []);
  assert.deepEqual(installed.unused(), []);
}
