import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderChart } from '../support/chart/render.ts';
import { rightsOf, rulesOf } from '../support/chart/rights.ts';
import { skipUnless } from '../support/skip.ts';
import { readDocument } from './documents.ts';

/** The table of rights in docs/helm.md, held to what the chart renders. */

const external = ['database.existingSecret=db', 'adminToken.existingSecret=admin'];
const everyCopy = ['publication.configMapName=roots', 'publication.clusterTrustBundleName=bundle'];
const settings = ['enforcement.controllerConfigMap=ingress-nginx/controller'];

/** Together they have every rule of the chart. */
const installations: readonly (readonly string[])[] = [
  [],
  [...external, ...everyCopy, ...settings, 'publication.namespaceSelector=a=b'],
  [...external, ...everyCopy, ...settings, 'publication.namespaces={edge}', 'enforcement.namespaces={shop}'],
  [...external, 'enforcement.enabled=false', 'publication.namespaceSelector=a=b'],
  [
    ...external,
    ...everyCopy,
    ...settings,
    'rbac.scope=namespaces',
    'publication.namespaces={edge}',
    'enforcement.namespaces={shop}',
    'enforcement.controller=ingress-nginx',
    'access.serviceAccountGrants[0].group=system:serviceaccounts:shop',
    'access.serviceAccountGrants[0].role=reader',
  ],
];

/** What a right is about, in the words of the table, by resource and the name that it is limited to. */
const objects: Readonly<Record<string, string>> = {
  'secrets internal-ca': 'Secret `publication.secretName`',
  'secrets internal-ca-key': 'Secret `authority.keySecretName`',
  secrets: 'Secret',
  'configmaps roots': 'ConfigMap `publication.configMapName`',
  'configmaps controller': 'ConfigMap `enforcement.controllerConfigMap`',
  'clustertrustbundles.certificates.k8s.io bundle': 'ClusterTrustBundle `publication.clusterTrustBundleName`',
  'ingresses.networking.k8s.io': 'Ingress',
  'ingressclasses.networking.k8s.io': 'IngressClass',
  namespaces: 'Namespace',
  'namespaces shop': 'Namespace',
  'leases.coordination.k8s.io': 'Lease',
  'leases.coordination.k8s.io internal-ca': 'Lease',
  events: 'Event',
  'tokenreviews.authentication.k8s.io': 'TokenReview',
};

const places: Readonly<Record<string, string>> = {
  everywhere: 'cluster',
  'internal-ca': 'own',
  shop: 'named',
  edge: 'named',
  'ingress-nginx': 'controller',
};

function rendered(): string[] {
  const rights = installations.flatMap((set) => rightsOf(rulesOf(renderChart({ set }))));
  return inOrder(
    rights.map((right) => {
      const [, place = '', verb, object = ''] = /^(\S+): (\w+) (.+)$/.exec(right) ?? [];
      return `${objects[object] ?? object}: ${verb}, ${places[place] ?? place}`;
    }),
  );
}

function documented(): string[] {
  const [, table = ''] =
    /\| what \| verb \| where \| why \|\n\|[-|]+\|\n((?:\|.*\n)+)/.exec(readDocument('docs/helm.md')) ?? [];
  let object = '';
  const rights = table.split('\n').flatMap((line) => {
    const [, what = '', verbs = '', where = '', why = ''] = line.split('|').map((cell) => cell.trim());
    if (what !== '') object = what;
    if (line !== '') assert.notEqual(why, '', line);
    return verbs === ''
      ? []
      : verbs.split(', ').flatMap((verb) => where.split(', ').map((place) => `${object}: ${verb}, ${place}`));
  });
  assert.equal(rights.length, new Set(rights).size, 'no right stands there twice');
  return inOrder(rights);
}

const inOrder = (rights: readonly string[]) => [...new Set(rights)].toSorted();

test('docs/helm.md gives the reason of every right of the chart, and of no other', (t) => {
  if (skipUnless(t, 'helm')) return;
  assert.deepEqual(documented(), rendered());
});
