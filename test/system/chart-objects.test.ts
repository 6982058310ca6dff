import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { loadServiceAccountGrants } from '../../src/access/service-account-grants.ts';
import { loadConfig } from '../../src/config/config.ts';
import { listAt, ofKind, only, temporaryDirectory } from '../support/chart/manifests.ts';
import { podEnvironment } from '../support/chart/pod.ts';
import { type Rendering, renderChart, valuesFiles } from '../support/chart/render.ts';
import { schemaFaults } from '../support/chart/schema.ts';
import { type JsonObject, objectAt, stringAt } from '../support/kubernetes/json.ts';
import { skipUnless } from '../support/skip.ts';

/** What the chart renders, for each installation in `helm/internal-ca/ci` and for the defaults. */

function forEachInstallation(
  name: string,
  check: (rendering: Rendering, t: TestContext) => Promise<void>,
): void {
  test(name, async (t) => {
    if (skipUnless(t, 'helm')) return;
    await t.test('the defaults', (inner) => check({}, inner));
    for (const file of valuesFiles()) await t.test(file, (inner) => check({ values: [file] }, inner));
  });
}

/** Kinds whose definition no package carries; chart-values.test.ts says what is in them. */
const withoutSchema = new Set(['Cluster', 'Certificate']);
const clusterScoped = new Set(['ClusterRole', 'ClusterRoleBinding']);

forEachInstallation('every object is as Kubernetes wants it', async (rendering) => {
  // The oldest that Chart.yaml allows, and the one that helm knows.
  for (const kubeVersion of ['1.25.0', undefined]) {
    const manifests = renderChart({ ...rendering, ...(kubeVersion && { kubeVersion }) });
    assert.ok(manifests.length >= 4);
    for (const manifest of manifests) {
      const name = `${manifest.kind} ${stringAt(manifest, 'metadata', 'name')}`;
      const faults = await schemaFaults(manifest);
      if (faults === undefined) assert.ok(withoutSchema.has(String(manifest.kind)), `${name} has no schema`);
      else assert.deepEqual(faults, [], name);
      const namespaced = stringAt(manifest, 'metadata', 'namespace') !== undefined;
      assert.equal(namespaced, !clusterScoped.has(String(manifest.kind)), name);
      assert.equal(
        stringAt(manifest, 'metadata', 'labels', 'app.kubernetes.io/instance'),
        'internal-ca',
        name,
      );
    }
  }
});

forEachInstallation('the service accepts the settings that the pod gives it', async (rendering, t) => {
  const env = podEnvironment(renderChart(rendering), temporaryDirectory(t));
  const config = loadConfig(env);
  assert.equal(config.kubernetes.mode, 'in-cluster');
  const { serviceAccountGrantsFile: grants } = config.access;
  if (grants !== undefined) await loadServiceAccountGrants(grants, ['client']);
});

forEachInstallation('no pod asks for more than the restricted standard allows', async (rendering) => {
  for (const spec of podSpecs(renderChart(rendering))) {
    const { runAsNonRoot, seccompProfile } = objectAt(spec, 'securityContext');
    assert.deepEqual(
      { runAsNonRoot, seccompProfile },
      { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    );
    // Init containers are the operator's own.
    for (const container of listAt(spec, 'containers')) {
      const context = objectAt(container, 'securityContext');
      assert.equal(context.allowPrivilegeEscalation, false);
      assert.equal(context.readOnlyRootFilesystem, true);
      assert.deepEqual(context.capabilities, { drop: ['ALL'] });
    }
  }
});

forEachInstallation(
  'whatever selects the pods selects these pods and not that of helm test',
  async (rendering) => {
    const manifests = renderChart(rendering);
    const pod = objectAt(only(manifests, 'Deployment'), 'spec', 'template', 'metadata', 'labels');
    const probe = objectAt(only(manifests, 'Pod'), 'metadata', 'labels');
    const selectors = [
      objectAt(only(manifests, 'Service'), 'spec', 'selector'),
      ...['Deployment', 'PodDisruptionBudget'].flatMap((kind) =>
        ofKind(manifests, kind).map((found) => objectAt(found, 'spec', 'selector', 'matchLabels')),
      ),
      ...ofKind(manifests, 'NetworkPolicy').map((found) =>
        objectAt(found, 'spec', 'podSelector', 'matchLabels'),
      ),
    ];
    for (const selector of selectors) {
      assert.ok(Object.keys(selector).length > 0);
      assert.ok(matches(selector, pod));
      assert.ok(!matches(selector, probe));
    }
    for (const found of ofKind(manifests, 'ServiceMonitor')) {
      const labels = objectAt(only(manifests, 'Service'), 'metadata', 'labels');
      assert.ok(matches(objectAt(found, 'spec', 'selector', 'matchLabels'), labels));
    }
  },
);

test('a field that Kubernetes does not know is found, however deep, and one that is of a wrong type', async () => {
  const container = { name: 'x', image: 'y', livenessProb: {}, ports: [{ containerPort: 'http' }] };
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'x', label: {} },
    spec: { containers: [container] },
  };
  assert.deepEqual(await schemaFaults(pod), [
    'data/spec/containers/0/ports/0/containerPort must be integer',
    '/metadata/label is not a known field',
    '/spec/containers/0/livenessProb is not a known field',
  ]);
});

function podSpecs(manifests: readonly JsonObject[]): JsonObject[] {
  return [
    objectAt(only(manifests, 'Deployment'), 'spec', 'template', 'spec'),
    objectAt(only(manifests, 'Pod'), 'spec'),
  ];
}

function matches(selector: JsonObject, labels: JsonObject): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}
