import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { roles } from '../../src/access/caller.ts';
import { loadConfig } from '../../src/config/config.ts';
import { loadCallers } from '../../src/verification/load-callers.ts';
import { listAt, ofKind, only, temporaryDirectory } from '../support/chart/manifests.ts';
import { podEnvironment } from '../support/chart/pod.ts';
import { chartDirectory, refusalOf, renderChart } from '../support/chart/render.ts';
import { type JsonObject, objectAt, stringAt, valueAt } from '../support/kubernetes/json.ts';
import { skipUnless } from '../support/skip.ts';

/** What single values of the chart bring about, and which are refused. */

test('with settings of every kind the service has each of them', (t) => {
  if (skipUnless(t, 'helm')) return;
  const env = podEnvironment(renderChart({ values: ['external-values.yaml'] }), temporaryDirectory(t));
  const config = loadConfig(env);
  assert.equal(config.databaseUrl, 'postgresql://internal-ca:secret@database.example/ca');
  assert.equal(config.kubernetes.scope, 'cluster');
  assert.deepEqual(config.leadership, { leaseName: 'internal-ca', leaseDurationSeconds: 15 });
  assert.deepEqual(config.publication, {
    secretName: 'internal-ca',
    namespaces: ['shop', 'edge'],
    namespaceSelector: 'internal-ca=trusted,tier in (front, back)',
    configMapName: 'internal-ca-roots',
    clusterTrustBundleName: 'internal-ca',
  });
  const { probe, ...enforcement } = config.enforcement;
  assert.deepEqual(enforcement, {
    controller: 'auto',
    namespaces: ['shop', 'billing'],
    declarativeNamespaces: ['shop'],
    controllerConfigMap: 'ingress-nginx/ingress-nginx-controller',
  });
  assert.equal(probe.address, 'ingress-nginx-controller.ingress-nginx.svc');
  assert.equal(probe.intervalSeconds, 300);
  assert.equal(config.port, 8443);
  assert.equal(config.http.publicPort, 8080);
  assert.equal(config.authority.keyStore, 'secret');
});

test('what an imported CA has issued and revoked comes from keys of its Secret, and from nowhere without one', (t) => {
  if (skipUnless(t, 'helm')) return;
  const keys = ['indexKey=index.txt', 'crlKey=ca.crl', 'certificatesKey=newcerts.pem'];
  const set = keys.map((key) => `authority.import.${key}`);
  const manifests = renderChart({ set: ['authority.import.existingSecret=my-ca', ...set] });
  const variables = JSON.stringify(only(manifests, 'Deployment'));
  for (const [name, file, key] of [
    ['CA_IMPORT_INDEX_FILE', 'index.txt', 'index.txt'],
    ['CA_IMPORT_CRL_FILE', 'crl', 'ca.crl'],
    ['CA_IMPORT_CERTIFICATES', 'certificates.pem', 'newcerts.pem'],
  ] as const) {
    assert.match(variables, new RegExp(`"name":"${name}","value":"/run/secrets/import/${file}"`));
    assert.match(variables, new RegExp(`"key":"${key}","path":"${file}"`));
  }
  assert.doesNotMatch(
    JSON.stringify(renderChart({ set: ['authority.import.existingSecret=my-ca'] })),
    /index\.txt/,
  );
  for (const alone of set)
    assert.match(refusalOf({ set: [alone] }) ?? '', /authority\.import\.existingSecret, which is empty/);
});

test('without enforcement no Ingress may be changed, in the settings and in the rights', (t) => {
  if (skipUnless(t, 'helm')) return;
  const manifests = renderChart({ set: ['enforcement.enabled=false'] });
  const config = loadConfig(podEnvironment(manifests, temporaryDirectory(t)));
  assert.deepEqual(config.enforcement.namespaces, []);
  assert.doesNotMatch(JSON.stringify(manifests), /"ingresses"/);
});

test('ingress controllers are told where to ask, by a name that nginx can resolve', async (t) => {
  if (skipUnless(t, 'helm')) return;
  const configOf = (how: Parameters<typeof renderChart>[0]) =>
    loadConfig(podEnvironment(renderChart(how), temporaryDirectory(t)));
  const plain = 'http://internal-ca.internal-ca.svc.cluster.local:8080';
  assert.equal(configOf({}).verification.url, plain);
  assert.equal(
    configOf({ set: ['verification.clusterDomain=k8s.example', 'service.port=8081'] }).verification.url,
    'http://internal-ca.internal-ca.svc.k8s.example:8081',
  );
  const own = configOf({ set: ['verification.url=https://verify.example'] });
  assert.equal(own.verification.url, 'https://verify.example');
  for (const set of ['verification.enabled=false', 'enforcement.enabled=false'])
    assert.equal(configOf({ set: [set] }).verification.url, undefined, set);

  const { verification } = configOf({ values: ['external-values.yaml'] });
  assert.equal(verification.url, 'https://internal-ca.internal-ca.svc.cluster.local');
  assert.deepEqual(verification.networks, ['10.244.0.0/16']);
  const [caller, ...more] = await loadCallers(verification.callersFile, ['internal-ca']);
  assert.deepEqual([caller?.name, caller?.header, more], ['traefik', 'x-forwarded-tls-client-cert', []]);
});

test('a CloudNativePG Cluster outlives the release, and acknowledges nothing that one disk alone has', (t) => {
  if (skipUnless(t, 'helm')) return;
  const manifests = renderChart({ values: ['cloudnative-pg-values.yaml'] });
  const cluster = only(manifests, 'Cluster');
  assert.equal(cluster.apiVersion, 'postgresql.cnpg.io/v1');
  assert.equal(stringAt(cluster, 'metadata', 'annotations', 'helm.sh/resource-policy'), 'keep');
  assert.deepEqual(cluster.spec, {
    instances: 3,
    imageName: 'ghcr.io/cloudnative-pg/postgresql:17.5',
    storage: { size: '20Gi', storageClass: 'fast' },
    bootstrap: { initdb: { database: 'internal_ca', owner: 'internal_ca' } },
    postgresql: { synchronous: { method: 'any', number: 1 } },
    resources: { requests: { cpu: '500m', memory: '1Gi' } },
    monitoring: { enablePodMonitor: true },
  });
  const env = podEnvironment(manifests, temporaryDirectory(t));
  const variables = listAt(only(manifests, 'Deployment'), 'spec', 'template', 'spec', 'containers');
  assert.match(JSON.stringify(variables), /"secretKeyRef":\{"name":"internal-ca-db-app","key":"uri"\}/);
  assert.match(
    env.DATABASE_URL ?? '',
    /^postgresql:\/\/.*\/internal_ca\?sslmode=verify-full&sslrootcert=\/run\/secrets\/database\/ca\.crt$/,
  );
});

test('a Certificate for the names under which the Service is called', (t) => {
  if (skipUnless(t, 'helm')) return;
  const manifests = renderChart({ values: ['external-values.yaml'] });
  const certificate = only(manifests, 'Certificate');
  assert.equal(certificate.apiVersion, 'cert-manager.io/v1');
  assert.deepEqual(certificate.spec, {
    secretName: 'internal-ca-tls',
    issuerRef: { name: 'cluster-ca', kind: 'ClusterIssuer', group: 'cert-manager.io' },
    dnsNames: ['internal-ca', 'internal-ca.internal-ca', 'internal-ca.internal-ca.svc', 'ca.example.com'],
    usages: ['server auth', 'digital signature'],
    duration: '2160h',
    renewBefore: '720h',
    privateKey: { algorithm: 'ECDSA', size: 256, rotationPolicy: 'Always' },
  });
  const ports = listAt(objectAt(only(manifests, 'Service'), 'spec'), 'ports').map(({ name, port }) => [
    name,
    port,
  ]);
  assert.deepEqual(ports, [
    ['http', 8080],
    ['https', 443],
  ]);
});

test('several replicas are spread and keep one while nodes are drained; a single one never blocks a drain', (t) => {
  if (skipUnless(t, 'helm')) return;
  const several = renderChart({ values: ['cloudnative-pg-values.yaml'] });
  const keys = (manifests: readonly JsonObject[]) =>
    listAt(
      objectAt(only(manifests, 'Deployment'), 'spec', 'template', 'spec'),
      'topologySpreadConstraints',
    ).map(({ topologyKey, whenUnsatisfiable }) => [topologyKey, whenUnsatisfiable]);
  assert.deepEqual(keys(several), [
    ['topology.kubernetes.io/zone', 'ScheduleAnyway'],
    ['kubernetes.io/hostname', 'ScheduleAnyway'],
  ]);
  assert.equal(valueAt(only(several, 'PodDisruptionBudget'), ['spec', 'maxUnavailable']), 1);
  assert.deepEqual(keys(renderChart({ values: ['namespaces-values.yaml'] })), [
    ['kubernetes.io/hostname', 'DoNotSchedule'],
  ]);
  assert.deepEqual(keys(renderChart()), []);
  assert.deepEqual(ofKind(renderChart(), 'PodDisruptionBudget'), []);
});

test('a new configuration, and nothing else, makes new pods', (t) => {
  if (skipUnless(t, 'helm')) return;
  const template = (set: string[]) =>
    JSON.stringify(valueAt(only(renderChart({ set }), 'Deployment'), ['spec', 'template']));
  assert.equal(template([]), template(['metrics.dashboard.enabled=true', 'service.annotations.a=b']));
  assert.notEqual(template([]), template(['config.publicUrl=http://ca.example.com']));
});

const database = ['database.existingSecret=db', 'adminToken.existingSecret=admin'];

/** Values that cannot be meant, and the value that is named to whoever gave them. */
const refused: readonly [string, ...string[]][] = [
  ['replicas', 'replicas=2'],
  ['adminToken.existingSecret', 'database.existingSecret=db'],
  ['database.existingSecret', ...database, 'database.cloudNativePg.create=true'],
  ['authority.keyStore', ...database, 'authority.keyStore=file'],
  ['authority.keySecretName', 'authority.keySecretName=internal-ca'],
  ['publication.configMapName', 'publication.configMapName=internal-ca'],
  ['publication.namespaceSelector', 'rbac.scope=namespaces', 'publication.namespaceSelector=a=b'],
  ['enforcement.namespaces', 'rbac.scope=namespaces'],
  ['enforcement.controller', 'rbac.scope=namespaces', 'enforcement.namespaces={shop}'],
  [
    'enforcement.declarativeNamespaces',
    'enforcement.enabled=false',
    'enforcement.declarativeNamespaces={shop}',
  ],
  [
    'enforcement.declarativeNamespaces',
    'enforcement.namespaces={shop}',
    'enforcement.declarativeNamespaces={edge}',
  ],
  ['terminationGracePeriodSeconds', 'drainDelaySeconds=30'],
  ['tls.certManager.issuerRef.name', 'tls.certManager.create=true'],
  [
    'tls.existingSecret',
    'tls.existingSecret=a',
    'tls.certManager.create=true',
    'tls.certManager.issuerRef.name=b',
  ],
  ['metrics.serviceMonitor.tokenSecret', 'metrics.serviceMonitor.enabled=true'],
  [
    'InternalCaNonesuch',
    'metrics.prometheusRule.enabled=true',
    'metrics.prometheusRule.disabled={InternalCaNonesuch}',
  ],
  ['serviceAccount.name', 'serviceAccount.create=false'],
  [
    'serviceAccountGrants',
    'access.serviceAccountGrants[0].role=king',
    'access.serviceAccountGrants[0].group=g',
  ],
  ['config.port', 'config.port=1'],
  ['config.tls', 'config.tls.keyFile=/k'],
  ['config.enforcement', 'config.enforcement.namespaces={shop}'],
  ['config.http.publicPort', 'config.http.publicPort=1'],
  ['config.verification.url', 'config.verification.url=http://a'],
  ["'A'", 'verification.callers.A.header=client-cert'],
  ['config.authority.keyStore', 'config.authority.keyStore=file'],
  ['config.leadership.leaseName', 'config.leadership.leaseName=x'],
  ['config.access.serviceAccountGrantsFile', 'config.access.serviceAccountGrantsFile=/x'],
  ['bogus', 'bogus=1'],
];

test('values that cannot be meant are refused in one line that names them', (t) => {
  if (skipUnless(t, 'helm')) return;
  const wrong = refused.filter(([value, ...set]) => !refusalOf({ set })?.includes(value));
  assert.deepEqual(wrong, []);
});

test('the schema of the values knows the roles that there are', () => {
  const schema: unknown = JSON.parse(readFileSync(join(chartDirectory, 'values.schema.json'), 'utf8'));
  const path = [
    'properties',
    'access',
    'properties',
    'serviceAccountGrants',
    'items',
    'properties',
    'role',
    'enum',
  ];
  assert.deepEqual(valueAt(schema, path), [...roles]);
});
