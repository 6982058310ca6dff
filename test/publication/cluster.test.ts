import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it, type TestContext } from 'node:test';
import { encodeSecretData, type KubernetesApi, type KubernetesObject } from '../../src/kubernetes/client.ts';
import { createPublisher } from '../../src/publication/create-publisher.ts';
import type { Publisher } from '../../src/publication/publisher.ts';
import type { PublicationStore } from '../../src/store/publications.ts';
import { eventually } from '../support/eventually.ts';
import type { Rule } from '../support/kubernetes/access.ts';
import { contract } from '../support/kubernetes/contract.ts';
import { createMaterialSource } from '../support/trust-material.ts';

const source = await createMaterialSource();

/** The publisher with the rights of its names and no others. */
contract('publication', (ground) => {
  // Names of this run only: a real cluster may be shared.
  const name = `internal-ca-${randomBytes(4).toString('hex')}`;
  const label = { [name]: 'wanted' };
  const admin = () => ground.cluster.admin;

  const rules = (): Rule[] => {
    const writing = ['get', 'list', 'watch', 'create', 'patch', 'delete'];
    return [
      { apiGroups: [''], resources: ['secrets', 'configmaps'], resourceNames: [name], verbs: writing },
      { apiGroups: [''], resources: ['namespaces'], verbs: ['list', 'watch'] },
      { apiGroups: ['networking.k8s.io'], resources: ['ingresses'], verbs: ['list'] },
      {
        apiGroups: ['certificates.k8s.io'],
        resources: ['clustertrustbundles'],
        resourceNames: [name],
        verbs: ['get', 'create', 'patch'],
      },
    ];
  };

  const owner = () => `${ground.namespace}/internal-ca`;

  async function start(t: TestContext, as = owner()) {
    const api = await ground.cluster.connectAs(rules(), {
      namespace: ground.namespace,
      watchBackOff: { initialMs: 50, maxMs: 500 },
    });
    return startOn(t, api, as);
  }

  async function startOn(t: TestContext, api: KubernetesApi, as = owner()): Promise<Publisher> {
    const publisher = createPublisher({
      secretName: name,
      clock: { now: () => Date.UTC(2026, 10, 23) },
      log: { info: () => undefined, warn: () => undefined },
      times: { retry: { initialMs: 50, maxMs: 500 }, repairDelayMs: 50, wishesMs: 300, waitingMs: 300 },
      cluster: {
        api,
        owner: as,
        namespaces: [],
        namespaceSelector: `${name}=wanted`,
        configMapName: name,
        clusterTrustBundleName: name,
        wantedNamespaces: async () => [],
        currentEpoch: async () => 1n,
        store: noRows,
        events: { record: () => undefined },
      },
    });
    t.after(async () => {
      await publisher.close();
      await api.close();
    });
    return publisher;
  }

  async function lead(publisher: Publisher, epoch = 1n): Promise<void> {
    const { signal } = new AbortController();
    await publisher.leaderWork.start({ epoch, signal, assertCurrent: async () => undefined });
  }

  const labelNamespace = (namespace: string, labels: Record<string, string | null>) =>
    ground.cluster.request({
      method: 'PATCH',
      path: `/api/v1/namespaces/${namespace}`,
      contentType: 'application/merge-patch+json',
      body: { metadata: { labels } },
    });

  const editSecret = (namespace: string, body: Record<string, unknown>) =>
    ground.cluster.request({
      method: 'PATCH',
      path: `/api/v1/namespaces/${namespace}/secrets/${name}`,
      contentType: 'application/merge-patch+json',
      manager: 'kubectl-edit',
      body,
    });

  async function crlIn(namespace: string): Promise<string | undefined> {
    const data = (await admin().getSecret(namespace, name))?.data?.['ca.crl'];
    return data === undefined ? undefined : Buffer.from(data, 'base64').toString();
  }

  const state = async (publisher: Publisher, target: string) =>
    (await publisher.status()).find((copy) => copy.target === target)?.state;

  /** How long it takes is no promise here; a vain wait ends with the patience. */
  const soon = (check: () => Promise<void>) => eventually(check, 60_000);
  const untilCrl = (namespace: string, crl: string | undefined) =>
    soon(async () => assert.equal(await crlIn(namespace), crl));

  it('goes where the label says, is repaired, and is taken away again', async (t) => {
    const publisher = await start(t);
    await lead(publisher);
    const material = source.at(1n);
    await publisher.publish(material);
    assert.equal(await crlIn(ground.namespace), material.caCrl);
    const late = await ground.cluster.createNamespace();
    await labelNamespace(late, label);
    await untilCrl(late, material.caCrl);
    assert.deepEqual((await admin().getConfigMap(ground.namespace, name))?.data, {
      'ca.crt': material.caCrt,
    });
    const bundle = `clustertrustbundle:${name}`;
    if (await admin().clusterTrustBundlesServed()) {
      assert.equal(await state(publisher, bundle), 'Current');
      const { spec } = (await admin().getClusterTrustBundle(name)) ?? {};
      assert.equal(spec?.trustBundle, material.caCrt);
      await admin().deleteClusterTrustBundle(name);
    } else {
      assert.equal(await state(publisher, bundle), 'Waiting');
    }

    await editSecret(late, { data: { 'ca.crl': 'eA==', 'tls.key': 'eA==' } });
    await untilCrl(late, material.caCrl);
    await soon(async () => {
      const { data, metadata } = (await admin().getSecret(late, name)) ?? {};
      assert.deepEqual(Object.keys(data ?? {}).sort(), ['ca.crl', 'ca.crt']);
      assert.equal(managerOf(metadata, 'f:ca.crl'), 'internal-ca');
    });
    await admin().deleteSecret(late, name);
    await admin().deleteConfigMap(late, name);
    await untilCrl(late, material.caCrl);
    await soon(async () => assert.ok(await admin().getConfigMap(late, name)));

    await publisher.publish(source.at(2n));
    await untilCrl(late, source.at(2n).caCrl);
    await labelNamespace(late, { [name]: null });
    await untilCrl(late, undefined);
    await soon(async () => assert.equal(await admin().getConfigMap(late, name), undefined));
    assert.equal(await crlIn(ground.namespace), source.at(2n).caCrl);
    await admin().deleteClusterTrustBundle(name);
  });

  it("leaves somebody else's Secret alone until it is handed over", async (t) => {
    const namespace = await ground.cluster.createNamespace();
    const metadata = { name, namespace };
    await ground.cluster.request({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/secrets`,
      body: { apiVersion: 'v1', kind: 'Secret', metadata, data: encodeSecretData({ 'ca.crl': 'theirs' }) },
    });
    const publisher = await start(t);
    await lead(publisher);
    await publisher.publish(source.at(3n));
    await labelNamespace(namespace, label);
    await soon(async () => assert.equal(await state(publisher, `secret:${namespace}/${name}`), 'Failed'));
    await assert.rejects(publisher.ensureNamespace(namespace), { code: 'publication-refused' });
    assert.equal(await crlIn(namespace), 'theirs');
    const labels = { 'app.kubernetes.io/managed-by': 'internal-ca', 'internal-ca.io/copy': 'true' };
    await editSecret(namespace, { metadata: { labels } });
    await untilCrl(namespace, source.at(3n).caCrl);
  });

  it("leaves another installation's copy alone until it is handed over", async (t) => {
    const namespace = await ground.cluster.createNamespace();
    const id = `secret:${namespace}/${name}`;
    const [first, second] = [await start(t), await start(t, 'elsewhere/internal-ca')];
    await first.publish(source.at(5n));
    await second.publish(source.at(6n));
    await first.ensureNamespace(namespace);
    await assert.rejects(second.ensureNamespace(namespace), {
      code: 'publication-refused',
      message: `${id} is a copy of another installation, ${owner()}; it is left alone. Publish under another name`,
    });
    assert.deepEqual(await second.removeUnwanted(namespace), []);
    assert.equal(await crlIn(namespace), source.at(5n).caCrl);
    await editSecret(namespace, {
      metadata: { annotations: { 'internal-ca.io/owner': 'elsewhere/internal-ca' } },
    });
    await second.ensureNamespace(namespace);
    assert.equal(await crlIn(namespace), source.at(6n).caCrl);
    await assert.rejects(first.ensureNamespace(namespace), { code: 'publication-refused' });
    assert.deepEqual(await second.removeUnwanted(namespace), [id]);
  });

  it('claims a copy that is handed over and right already, so that nobody else takes it', async (t) => {
    const namespace = await ground.cluster.createNamespace();
    const publisher = await start(t);
    await publisher.publish(source.at(5n));
    await publisher.ensureNamespace(namespace);
    const annotation = async () => {
      const found = await admin().listSecrets({ namespace, name, metadataOnly: true });
      return found[0]?.metadata.annotations?.['internal-ca.io/owner'];
    };
    assert.equal(await annotation(), owner());
    await editSecret(namespace, { metadata: { annotations: { 'internal-ca.io/owner': null } } });
    assert.equal(await annotation(), undefined);
    await publisher.ensureNamespace(namespace);
    assert.equal(await annotation(), owner());
  });

  it('waits for a namespace that is going, and has a copy in the next one of its name', async (t) => {
    const publisher = await start(t);
    await lead(publisher);
    await publisher.publish(source.at(4n));
    const namespace = await ground.cluster.createNamespace();
    await labelNamespace(namespace, label);
    await untilCrl(namespace, source.at(4n).caCrl);
    const { uid } = (await admin().getNamespace(namespace))?.metadata ?? {};
    await ground.cluster.request({ method: 'DELETE', path: `/api/v1/namespaces/${namespace}` });
    await soon(async () => assert.notEqual((await admin().getNamespace(namespace))?.metadata.uid, uid));
    assert.notEqual(await state(publisher, `secret:${namespace}/${name}`), 'Failed');
    await assert.rejects(publisher.ensureNamespace(namespace), { code: 'namespace-not-found' });
    await ground.cluster.request({
      method: 'POST',
      path: '/api/v1/namespaces',
      body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels: label } },
    });
    await untilCrl(namespace, source.at(4n).caCrl);
  });

  it('of two that make the copy at the same moment, the newer CRL stands', async (t) => {
    const [a, b] = [await start(t), await start(t)];
    for (let round = 10n; round < 30n; round += 2n) {
      const namespace = await ground.cluster.createNamespace();
      await a.publish(source.at(round));
      await b.publish(source.at(round + 1n));
      await Promise.all([a.ensureNamespace(namespace), b.ensureNamespace(namespace)]);
      assert.equal(await crlIn(namespace), source.at(round + 1n).caCrl);
      assert.deepEqual(await b.removeUnwanted(namespace), [`secret:${namespace}/${name}`]);
      assert.equal(await crlIn(namespace), undefined);
    }
  });
});

const noRows: PublicationStore = {
  list: async () => [],
  save: async () => undefined,
  retain: async () => undefined,
};

function managerOf(metadata: KubernetesObject['metadata'] | undefined, field: string): string | undefined {
  return metadata?.managedFields?.find(({ fieldsV1 }) => JSON.stringify(fieldsV1).includes(field))?.manager;
}
