import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { createTestDatabase, type TestScope } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { type Cluster, startTestCluster } from '../support/kubernetes/cluster.ts';
import { settingsFor } from '../support/kubernetes/for-service.ts';
import { objectAt } from '../support/kubernetes/json.ts';
import { startTestService, type TestService } from '../support/service.ts';

/** A GitOps tool beside the real service, with everything in it: on the stand-in, or the cluster of TEST_KUBECONFIG. */

const asks = 'internal-ca.io/client-verification';
const authTls = 'nginx.ingress.kubernetes.io/auth-tls-secret';

interface Scene {
  readonly cluster: Cluster;
  readonly namespace: string;
  readonly service: TestService;
  /** As the tool applies the manifest in its repository. */
  sync(name: string, annotations: Readonly<Record<string, string>>): Promise<void>;
  annotationsOf(name: string): Promise<Readonly<Record<string, string>>>;
  state(name: string): Promise<Record<string, unknown>>;
}

/** Node runs hooks in the order of their registration; what was started last has to end first. */
function newestFirst(t: TestContext): TestScope {
  const works: (() => Promise<void>)[] = [];
  t.after(async () => {
    for (const work of works.reverse()) await work();
  });
  return { after: (work) => void works.push(work) };
}

async function setTheScene(context: TestContext): Promise<Scene> {
  const t = newestFirst(context);
  const cluster = await startTestCluster();
  t.after(() => cluster.stop());
  const className = await makeClass(t, cluster);
  const [own, namespace] = [await cluster.createNamespace(), await cluster.createNamespace()];
  const env = {
    ...(await settingsFor(t, cluster, own)),
    ENFORCEMENT_CONTROLLER: 'ingress-nginx',
    ENFORCEMENT_DECLARATIVE_NAMESPACES: namespace,
    ENFORCEMENT_PROBE: 'off',
    ADMIN_TOKEN: randomBytes(24).toString('hex'),
  };
  const { url } = await createTestDatabase(t);
  const service = await startTestService(t, { inProcess: true, databaseUrl: url, env });
  const ingresses = `/apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses`;
  return {
    cluster,
    namespace,
    service,
    async sync(name, annotations) {
      await cluster.request({
        method: 'PATCH',
        path: `${ingresses}/${name}`,
        contentType: 'application/apply-patch+yaml',
        manager: 'argocd-controller',
        body: manifest(name, namespace, className, annotations),
      });
    },
    annotationsOf: async (name) => ({
      ...(await cluster.admin.getIngress(namespace, name))?.metadata.annotations,
    }),
    async state(name) {
      const path = `/v1/namespaces/${namespace}/ingresses/${name}/client-verification`;
      return objectAt({ answer: (await service.call('GET', path)).json() }, 'answer');
    },
  };
}

async function makeClass(t: TestScope, { request }: Cluster): Promise<string> {
  const name = `internal-ca-test-${randomBytes(4).toString('hex')}`;
  const path = '/apis/networking.k8s.io/v1/ingressclasses';
  const spec = { controller: 'k8s.io/ingress-nginx' };
  const body = { apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata: { name }, spec };
  await request({ method: 'POST', path, body });
  t.after(async () => void (await request({ method: 'DELETE', path: `${path}/${name}` })));
  return name;
}

function manifest(
  name: string,
  namespace: string,
  ingressClassName: string,
  annotations: Readonly<Record<string, string>>,
) {
  const host = `${name}.${namespace}.example`;
  const backend = { service: { name: 'web', port: { number: 80 } } };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name, namespace, annotations },
    spec: {
      ingressClassName,
      rules: [{ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }],
      tls: [{ hosts: [host], secretName: 'public-tls' }],
    },
  };
}

test('asked for in the repository, enforced with its Secret; taken out, undone with it', async (t) => {
  const { cluster, namespace, sync, annotationsOf, state } = await setTheScene(t);
  await sync('web', { [asks]: 'on' });
  await eventually(async () => assert.equal((await state('web')).state, 'Enforced'));
  assert.equal((await annotationsOf('web'))[authTls], `${namespace}/internal-ca`);
  const secret = await cluster.admin.getSecret(namespace, 'internal-ca');
  assert.deepEqual(Object.keys(secret?.data ?? {}).sort(), ['ca.crl', 'ca.crt']);
  const events = objectAt(
    { list: await cluster.request({ method: 'GET', path: `/api/v1/namespaces/${namespace}/events` }) },
    'list',
  );
  assert.match(JSON.stringify(events.items), /ClientVerificationEnforced/);
  await sync('web', {});
  await eventually(async () => assert.deepEqual(await annotationsOf('web'), {}));
  await eventually(async () =>
    assert.equal(await cluster.admin.getSecret(namespace, 'internal-ca'), undefined),
  );
});

test('a call meets a wish of the repository with 409, and the reason in it', async (t) => {
  const { namespace, service, sync, state } = await setTheScene(t);
  await sync('web', { [asks]: 'on' });
  await eventually(async () => assert.equal((await state('web')).state, 'Enforced'));
  const path = `/v1/namespaces/${namespace}/ingresses/web/client-verification`;
  for (const method of ['PUT', 'DELETE']) {
    const answer = await service.call(method, path);
    assert.equal(answer.status, 409);
    assert.match(JSON.stringify(answer.json()), /"declared-by-annotation"/);
  }
});

test('what happens while the service is away is caught up with at its start', async (t) => {
  const { cluster, namespace, service, sync, annotationsOf, state } = await setTheScene(t);
  for (const name of ['kept', 'gone', 'edited']) await sync(name, { [asks]: 'on' });
  for (const name of ['kept', 'gone', 'edited']) {
    await eventually(async () => assert.equal((await state(name)).state, 'Enforced'));
  }
  await service.stop();
  const path = (name: string) => `/apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses/${name}`;
  await cluster.request({ method: 'DELETE', path: path('gone') });
  await cluster.request({
    method: 'PATCH',
    path: path('edited'),
    contentType: 'application/merge-patch+json',
    manager: 'kubectl-edit',
    body: { metadata: { annotations: { [authTls]: null } } },
  });
  await sync('new', { [asks]: 'optional' });
  await service.restart();
  for (const name of ['kept', 'edited', 'new']) {
    await eventually(async () => assert.equal((await state(name)).state, 'Enforced', name));
  }
  assert.equal((await annotationsOf('edited'))[authTls], `${namespace}/internal-ca`);
  await eventually(async () => assert.equal((await state('gone')).status, 404));
});
