import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ingress, settingsOf } from '../support/chart/installation.ts';
import { listAt, temporaryDirectory } from '../support/chart/manifests.ts';
import { type Rendering, renderChart, valuesFiles } from '../support/chart/render.ts';
import { makeCsr } from '../support/csr.ts';
import { createTestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { type Cluster, openRealCluster } from '../support/kubernetes/cluster.ts';
import { isObject, type JsonObject, objectAt, stringAt } from '../support/kubernetes/json.ts';
import { startTestService } from '../support/service.ts';
import { findTool, skipUnless } from '../support/skip.ts';

/** The chart on the cluster of TEST_KUBECONFIG: what it makes is taken, and the rights that it gives are enough. */

const kubeconfig = process.env.TEST_KUBECONFIG ?? '';
const clusterScoped = new Set(['ClusterRole', 'ClusterRoleBinding']);

async function realCluster(t: TestContext): Promise<Cluster> {
  const cluster = await openRealCluster(readFileSync(kubeconfig, 'utf8'));
  t.after(() => cluster.stop());
  return cluster;
}

/** Kinds of operators that are not installed there cannot be tried. */
async function servedOnly(cluster: Cluster, manifests: readonly JsonObject[]): Promise<JsonObject[]> {
  const versions = new Set(manifests.map((manifest) => stringAt(manifest, 'apiVersion') ?? ''));
  const served = new Set<string>();
  for (const version of versions) {
    const path = version.includes('/') ? `/apis/${version}` : `/api/${version}`;
    const list = await cluster.request({ method: 'GET', path }).catch(() => undefined);
    const resources = isObject(list) && Array.isArray(list.resources) ? list.resources : [];
    for (const resource of resources) served.add(`${version} ${resource.kind}`);
  }
  return manifests.filter(({ apiVersion, kind }) => served.has(`${apiVersion} ${kind}`));
}

/** All of it in one namespace: the names in the values are not there. */
function within(namespace: string, manifest: JsonObject): JsonObject {
  if (clusterScoped.has(String(manifest.kind))) return manifest;
  return { ...manifest, metadata: { ...objectAt(manifest, 'metadata'), namespace } };
}

function kubectl(args: readonly string[], items: readonly JsonObject[]): string {
  const { status, stdout, stderr } = spawnSync(
    findTool('kubectl') ?? 'kubectl',
    ['--kubeconfig', kubeconfig, ...args, '-f', '-'],
    { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }), encoding: 'utf8' },
  );
  assert.equal(status, 0, stderr);
  assert.doesNotMatch(stderr, /Warning/, stderr);
  return stdout;
}

interface Places {
  readonly own: string;
  readonly shop: string;
  readonly edge: string;
}

/** The chart's accounts and roles, and the service with them and nothing else. */
async function installed(t: TestContext, cluster: Cluster, places: Places, set: readonly string[]) {
  const { own, shop, edge } = places;
  const manifests = renderChart({
    namespace: own,
    set: [
      'database.existingSecret=db',
      'adminToken.existingSecret=admin',
      `publication.namespaces={${edge}}`,
      'publication.configMapName=roots',
      `publication.clusterTrustBundleName=${own}`,
      `enforcement.namespaces={${shop}}`,
      'enforcement.controller=ingress-nginx',
      'enforcement.probe.enabled=false',
      `access.serviceAccountGrants[0].subject=system:serviceaccount:${shop}:issuer`,
      'access.serviceAccountGrants[0].role=issuer',
      'access.serviceAccountGrants[0].profiles={client}',
      ...set,
    ],
  });
  const rights = manifests.filter(({ kind }) =>
    /^(ServiceAccount|(Cluster)?Role(Binding)?)$/.test(String(kind)),
  );
  kubectl(['apply'], rights);
  t.after(() => void kubectl(['delete', '--ignore-not-found', '--wait=false'], rights));
  t.after(async () => {
    const path = `/apis/certificates.k8s.io/v1beta1/clustertrustbundles/${own}`;
    await cluster.request({ method: 'DELETE', path }).catch(() => undefined);
  });
  const directory = temporaryDirectory(t);
  const file = join(directory, 'kubeconfig');
  const token = await cluster.serviceAccountToken({ namespace: own, name: 'internal-ca' });
  writeFileSync(file, await cluster.kubeconfigOf(token, own));
  const { url: databaseUrl } = await createTestDatabase(t);
  return startTestService(t, {
    databaseUrl,
    env: settingsOf(manifests, directory, { kubeconfig: file, context: 'stand-in' }),
  });
}

/** An Ingress of a class of its own: the cluster may have others. */
function placeIngress(t: TestContext, { own, shop }: Places): void {
  const ingressClass = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: { name: own },
    spec: { controller: 'k8s.io/ingress-nginx' },
  };
  const web = ingress(shop, 'web');
  kubectl(['apply'], [ingressClass, { ...web, spec: { ...objectAt(web, 'spec'), ingressClassName: own } }]);
  t.after(() => void kubectl(['delete'], [ingressClass]));
}

/** Everything once: copies, their repair, an Ingress enforced and let go, a caller of the cluster, Events. */
async function tryRights(t: TestContext, set: readonly string[]): Promise<void> {
  const cluster = await realCluster(t);
  const places = {
    own: await cluster.createNamespace(),
    shop: await cluster.createNamespace(),
    edge: await cluster.createNamespace(),
  };
  placeIngress(t, places);
  const service = await installed(t, cluster, places, set);
  const { admin } = cluster;
  const copiesIn = async (namespace: string, there: boolean) => {
    assert.equal((await admin.getSecret(namespace, 'internal-ca')) !== undefined, there, namespace);
    assert.equal((await admin.getConfigMap(namespace, 'roots')) !== undefined, there, namespace);
  };
  await eventually(() => Promise.all([copiesIn(places.own, true), copiesIn(places.edge, true)]));
  const path = `/v1/namespaces/${places.shop}/ingresses/web/client-verification`;
  const enforced = await service.call('PUT', path, { body: {} });
  assert.equal(enforced.status, 200, enforced.body.toString());
  await eventually(() => copiesIn(places.shop, true));
  await admin.deleteSecret(places.shop, 'internal-ca');
  await admin.deleteConfigMap(places.edge, 'roots');
  await eventually(() => Promise.all([copiesIn(places.shop, true), copiesIn(places.edge, true)]));
  const undone = await service.call('DELETE', path);
  assert.ok(undone.status < 300, undone.body.toString());
  await eventually(() => copiesIn(places.shop, false));
  const token = await cluster.serviceAccountToken({
    namespace: places.shop,
    name: 'issuer',
    audiences: ['internal-ca'],
  });
  const issued = await service.call('POST', '/v1/certificates', {
    token,
    body: { csr: (await makeCsr()).pem },
  });
  assert.equal(issued.status, 201, issued.body.toString());
  const publications = (await service.call('GET', '/v1/publications')).json();
  await service.stop();
  // Of what others have in this cluster we may not touch anything.
  const ours = new RegExp(Object.values(places).join('|'));
  const refusals = [...listAt(publications, 'items'), ...service.log]
    .map((line) => JSON.stringify(line))
    .filter(
      (line) => /forbidden|Not allowed/.test(line) && ours.test(line.replaceAll(`:${places.own}:`, '')),
    );
  assert.deepEqual(refusals, []);
  for (const namespace of Object.values(places)) {
    const list = await cluster.request({ method: 'GET', path: `/api/v1/namespaces/${namespace}/events` });
    assert.match(
      JSON.stringify(list),
      /"reason":"(Published|CopyRepaired|ClientVerificationEnforced)"/,
      namespace,
    );
  }
}

// Elsewhere there is nothing to run these on, and what is skipped fails in CI.
if (kubeconfig !== '') {
  test('the API server takes every rendered object, to the letter', async (t) => {
    if (skipUnless(t, 'helm') || skipUnless(t, 'kubectl')) return;
    const cluster = await realCluster(t);
    const namespace = await cluster.createNamespace();
    const renderings: Rendering[] = [{}, ...valuesFiles().map((name) => ({ values: [name] }))];
    for (const rendering of renderings) {
      const manifests = renderChart(rendering);
      const served = await servedOnly(cluster, manifests);
      const left = manifests.filter((manifest) => !served.includes(manifest)).map(({ kind }) => kind);
      t.diagnostic(
        `${rendering.values?.[0] ?? 'the defaults'}: ${served.length} objects; not served: ${left.join(', ') || 'none'}`,
      );
      const items = served.map((manifest) => within(namespace, manifest));
      // Strict: an unknown or repeated field is refused, not dropped.
      const stdout = kubectl(['apply', '--dry-run=server', '--validate=strict'], items);
      assert.equal(stdout.match(/\(server dry run\)$/gm)?.length, items.length, stdout);
    }
  });

  test('its rights in the whole cluster are enough for all that the service does', async (t) => {
    if (skipUnless(t, 'helm') || skipUnless(t, 'kubectl')) return;
    await tryRights(t, []);
  });

  test('its rights in named namespaces are enough for all that the service does', async (t) => {
    if (skipUnless(t, 'helm') || skipUnless(t, 'kubectl')) return;
    await tryRights(t, ['rbac.scope=namespaces']);
  });
}
