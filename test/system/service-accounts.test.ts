import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { temporaryFile } from '../config/support.ts';
import { makeCsr } from '../support/csr.ts';
import { createTestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { type Cluster, openRealCluster, startStandInCluster } from '../support/kubernetes/cluster.ts';
import { settingsFor, startServiceCluster } from '../support/kubernetes/for-service.ts';
import { startTestService, type TestService } from '../support/service.ts';

/** Callers with Kubernetes tokens: on the stand-in always, and with `TEST_KUBECONFIG` on a real API server, too. */
const kubeconfig = process.env.TEST_KUBECONFIG;
const clusters: readonly (readonly [name: string, open: () => Promise<Cluster>])[] = [
  ['the stand-in', startStandInCluster],
  ...(kubeconfig
    ? [['the cluster of TEST_KUBECONFIG', () => openRealCluster(readFileSync(kubeconfig, 'utf8'))] as const]
    : []),
];

const audiences = ['internal-ca'];

interface Scene {
  readonly cluster: Cluster;
  readonly namespace: string;
  readonly service: TestService;
  token(name: string, forAudiences?: readonly string[]): Promise<string>;
}

async function setUp(t: TestContext, open: () => Promise<Cluster>): Promise<Scene> {
  const [cluster, { url }] = await Promise.all([open(), createTestDatabase(t)]);
  t.after(() => cluster.stop());
  const namespace = await cluster.createNamespace();
  const grants = `grants:
  - { subject: 'system:serviceaccount:${namespace}:robot', role: issuer, profiles: [client] }
  - { subject: 'system:serviceaccount:${namespace}:watcher', role: reader }
  - { group: 'system:serviceaccounts:${namespace}', role: enforcer, namespaces: ['${namespace}'] }
`;
  const service = await startTestService(t, {
    databaseUrl: url,
    env: {
      ...(await settingsFor(t, cluster, namespace)),
      // The cluster may be used by others: what is theirs is left alone.
      KUBERNETES_SCOPE: 'namespaces',
      ACCESS_SERVICE_ACCOUNT_GRANTS_FILE: temporaryFile(t, grants, 'grants.yaml'),
    },
  });
  const token = (name: string, forAudiences = audiences): Promise<string> =>
    cluster.serviceAccountToken({ namespace, name, audiences: forAudiences });
  return { cluster, namespace, service, token };
}

for (const [name, open] of clusters) {
  test(`service accounts on ${name}: the configuration says what they may do`, async (t) => {
    const { cluster, namespace, service, token } = await setUp(t, open);
    const robot = await token('robot');
    const { pem } = await makeCsr();

    const issued = await service.call('POST', '/v1/certificates', { token: robot, body: { csr: pem } });
    assert.equal(issued.status, 201, issued.body.toString());
    const record = await service.call('GET', `/v1/certificates/${issued.text('serial')}`, { token: robot });
    assert.equal(record.text('requester'), `serviceaccount:${namespace}:robot`);

    const server = await service.call('POST', '/v1/certificates?profile=server', {
      token: robot,
      body: pem,
      headers: { 'content-type': 'application/pkcs10' },
    });
    assert.equal(server.status, 403, 'the profile is not among those of the grant');
    const revoke = await service.call('POST', `/v1/certificates/${issued.text('serial')}/revoke`, {
      token: robot,
    });
    assert.equal(revoke.status, 403, 'no grant has that permission');

    // By its group alone.
    const neighbour = await token('neighbour');
    const listed = await service.call('GET', '/v1/client-verifications', { token: neighbour });
    assert.equal(listed.status, 200, listed.body.toString());
    assert.equal((await service.call('GET', '/v1/tokens', { token: neighbour })).status, 403);

    const elsewhere = await cluster.createNamespace();
    const strangers = {
      'another namespace': await cluster.serviceAccountToken({
        namespace: elsewhere,
        name: 'robot',
        audiences,
      }),
      'made for somebody else': await token('robot', ['vault']),
      'made for the API server': await token('robot', []),
      'with another signature': `${robot.slice(0, robot.lastIndexOf('.'))}.${'A'.repeat(86)}`,
      'with other claims': withClaims(robot, { sub: `system:serviceaccount:${namespace}:watcher` }),
    };
    const refusal = await service.call('GET', '/v1/profiles', { token: 'nonsense' });
    for (const [what, stranger] of Object.entries(strangers)) {
      const answer = await service.call('GET', '/v1/profiles', { token: stranger });
      assert.equal(answer.status, 401, what);
      assert.equal(answer.text('detail'), refusal.text('detail'), what);
    }
    assert.equal((await service.call('GET', '/v1/profiles', { token: robot })).status, 200);
    assert.equal((await service.call('GET', '/v1/tokens')).status, 200, 'tokens of our own go on');

    const figures = (
      await service.call('GET', '/metrics', { token: await token('watcher') })
    ).body.toString();
    assert.match(figures, /internal_ca_token_reviews_total\{outcome="accepted"\} [1-9]/);
    assert.match(figures, /internal_ca_token_reviews_total\{outcome="refused"\} 2\n/);
    assert.match(figures, /internal_ca_token_reviews_total\{outcome="unanswered"\} 0/);
    assert.ok(!JSON.stringify(service.log).includes(robot.slice(-80)), 'no token is in the log');
  });

  test(`service accounts on ${name}: a token ends with its account`, { timeout: 180_000 }, async (t) => {
    const { cluster, namespace, service, token } = await setUp(t, open);
    const robot = await token('robot');
    assert.equal((await service.call('GET', '/v1/profiles', { token: robot })).status, 200);
    await cluster.request({
      method: 'DELETE',
      path: `/api/v1/namespaces/${namespace}/serviceaccounts/robot`,
    });
    // Our memory of 10 s, and another 10 s in the API server.
    const refused = async (): Promise<void> => {
      assert.equal((await service.call('GET', '/v1/profiles', { token: robot })).status, 401);
    };
    await eventually(refused, 120_000);
    // The account made again is another one.
    const again = await token('robot');
    await refused();
    assert.equal((await service.call('GET', '/v1/profiles', { token: again })).status, 200);
  });
}

test('service accounts while the API server is away: 503 for them alone, and no restart is needed', async (t) => {
  const [{ api, env }, { url }] = await Promise.all([startServiceCluster(t), createTestDatabase(t)]);
  api.put({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'robot', namespace: 'app' },
  });
  const grants = "grants: [{ group: 'system:serviceaccounts:app', role: reader }]";
  const service = await startTestService(t, {
    databaseUrl: url,
    env: { ...env, ACCESS_SERVICE_ACCOUNT_GRANTS_FILE: temporaryFile(t, grants, 'grants.yaml') },
  });
  const robot = (): string => api.serviceAccountToken({ namespace: 'app', name: 'robot', audiences });
  const known = robot();
  assert.equal((await service.call('GET', '/v1/profiles', { token: known })).status, 200);
  await api.stop();
  const away = await service.call('GET', '/v1/profiles', { token: robot() });
  assert.equal(away.status, 503, away.body.toString());
  assert.equal(away.text('type'), 'urn:internal-ca:problem:kubernetes-unavailable');
  assert.ok(Number(away.headers.get('retry-after')) > 0);
  assert.doesNotMatch(away.body.toString(), /127\.0\.0\.1/);
  const { pem } = await makeCsr();
  assert.equal((await service.call('POST', '/v1/certificates', { body: { csr: pem } })).status, 201);
  assert.equal((await service.call('GET', '/v1/profiles', { token: 'nonsense' })).status, 401);
  await api.start();
  await eventually(async () => {
    assert.equal((await service.call('GET', '/v1/profiles', { token: robot() })).status, 200);
  });
});

/** The token with other claims under the old signature. */
function withClaims(token: string, change: object): string {
  const [header, payload = '', signature] = token.split('.');
  const claims: object = JSON.parse(Buffer.from(payload, 'base64url').toString());
  const changed = Buffer.from(JSON.stringify({ ...claims, ...change })).toString('base64url');
  return `${header}.${changed}.${signature}`;
}
