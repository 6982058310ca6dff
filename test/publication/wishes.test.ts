import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { objectAt } from '../support/kubernetes/json.ts';
import { createMaterialSource } from '../support/trust-material.ts';
import { aWhile, name, setUp, until } from './harness.ts';

const source = await createMaterialSource();
const shop = 'secret:shop/internal-ca';

const namespace = (of: string, labels: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: of, labels },
});

describe('where copies go', { timeout: 30_000 }, () => {
  it('follows the label selector: labelled, made with the label, and taken away', async (t) => {
    const { server, read, start } = await setUp(t);
    server.put(namespace('shop', { clients: 'internal' }));
    // The watch alone tells, not the next look at the database.
    const { publisher, lead, state } = await start({
      cluster: { namespaceSelector: 'clients=internal' },
      times: { wishesMs: 3_600_000 },
    });
    await publisher.publish(source.at(1n));
    await lead();
    await until(t, () => read('shop') !== undefined);
    await until(t, async () => (await state(shop))?.why.join() === 'selector');
    server.put(namespace('blog', { clients: 'internal' }));
    server.put(namespace('made-later', { clients: 'internal' }));
    await until(t, () => read('blog') !== undefined && read('made-later') !== undefined);
    server.put(namespace('shop', { clients: 'external' }));
    await until(t, () => read('shop') === undefined);
    await until(t, async () => (await state(shop)) === undefined);
    assert.ok(read('blog'));
    assert.equal(read('extra'), undefined);
  });

  it('asks for no namespaces without a selector', async (t) => {
    const { server, start } = await setUp(t);
    const { publisher, lead } = await start();
    await lead();
    await publisher.publish(source.at(1n));
    await aWhile();
    assert.deepEqual(
      server.calls.filter(({ resource }) => resource === 'namespaces'),
      [],
    );
  });

  it('looks only where it may, when it is limited to namespaces', async (t) => {
    const { server, text, start } = await setUp(t);
    const rule = { apiGroups: [''], resources: ['secrets'], resourceNames: [name] };
    const namespaces = ['internal-ca', 'shop'];
    const token = server.tokenFor([
      { ...rule, verbs: ['get', 'list', 'watch', 'create', 'patch', 'delete'], namespaces },
    ]);
    const { publisher, lead, warnings } = await start({
      token,
      cluster: { namespaces: ['shop'], visibleNamespaces: namespaces },
    });
    await lead();
    await publisher.publish(source.at(1n));
    server.remove('v1', 'Secret', 'shop', name);
    await until(t, () => text('shop', 'ca.crl') === source.at(1n).caCrl);
    await aWhile();
    assert.deepEqual(warnings, []);
    assert.deepEqual(
      server.calls.filter(({ status }) => status === 403),
      [],
    );
  });

  it('learns by itself of an Ingress that was enforced on another replica, and that one was undone', async (t) => {
    const { server, read, wanted, start } = await setUp(t);
    const leader = await start();
    await leader.lead();
    await leader.publisher.publish(source.at(1n));
    wanted.push('shop');
    await until(t, async () => (await leader.state(shop))?.state === 'Current');
    wanted.length = 0;
    await until(t, () => read('shop') === undefined);
    assert.equal(await leader.state(shop), undefined);
    assert.ok(server.calls.some(({ verb, namespace: of }) => verb === 'delete' && of === 'shop'));
  });

  it('removes copies of an earlier life that nobody wants any more, and only ours', async (t) => {
    const { server, read, text, start } = await setUp(t);
    const before = await start({ cluster: { namespaces: ['shop', 'blog'] } });
    const term = await before.lead();
    await before.publisher.publish(source.at(1n));
    await term.end();
    server.put({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace: 'extra', labels: { 'app.kubernetes.io/managed-by': 'internal-ca' } },
      data: { 'ca.crt': 'dGhlaXJz' },
    });
    const after = await start({ cluster: { namespaces: ['blog'] } });
    await after.publisher.publish(source.at(1n));
    await after.lead();
    await until(t, () => read('shop') === undefined);
    await aWhile();
    assert.ok(read('blog'));
    assert.equal(text('extra', 'ca.crt'), 'theirs');
    await until(
      t,
      async () =>
        (await after.publisher.status()).map(({ target }) => target).join() ===
        'secret:blog/internal-ca,secret:internal-ca/internal-ca',
    );
  });

  it('a copy that an Ingress names stays and is kept current, though nobody asked us for it', async (t) => {
    const { server, read, text, ingress, start } = await setUp(t);
    const before = await start({ cluster: { namespaces: ['shop'] } });
    const term = await before.lead();
    await before.publisher.publish(source.at(1n));
    await term.end();
    ingress('shop', 'by-hand', { 'nginx.ingress.kubernetes.io/auth-tls-secret': 'shop/internal-ca' });
    const after = await start();
    await after.publisher.publish(source.at(2n));
    await after.lead();
    await until(t, () => text('shop', 'ca.crl') === source.at(2n).caCrl);
    await until(t, async () => (await after.state(shop))?.why.join() === 'named');
    await after.publisher.publish(source.at(3n));
    assert.equal(text('shop', 'ca.crl'), source.at(3n).caCrl);
    server.remove('networking.k8s.io/v1', 'Ingress', 'shop', 'by-hand');
    await until(t, () => read('shop') === undefined);
  });

  it('a copy stays where Ingresses cannot be read, and the log says so', async (t) => {
    const { server, read, start } = await setUp(t);
    const before = await start({ cluster: { namespaces: ['shop'] } });
    const term = await before.lead();
    await before.publisher.publish(source.at(1n));
    await term.end();
    server.interfere(({ type }) => (type.plural === 'ingresses' ? { status: 403 } : undefined));
    const after = await start();
    await after.lead();
    await after.publisher.publish(source.at(1n));
    await until(t, () => after.warnings.some((text) => text.includes('Ingresses there cannot be read')));
    assert.ok(read('shop'));
  });

  it('removes nothing before it knows what is wanted', async (t) => {
    const { database, server, read, start } = await setUp(t);
    const options = { cluster: { namespaceSelector: 'clients=internal' } };
    server.put(namespace('shop', { clients: 'internal' }));
    const before = await start(options);
    const term = await before.lead();
    await before.publisher.publish(source.at(1n));
    await until(t, () => read('shop') !== undefined);
    await term.end();
    let blind = true;
    server.interfere(({ type }) => (blind && type.plural === 'namespaces' ? { status: 500 } : undefined));
    const after = await start(options);
    await after.lead();
    await after.publisher.publish(source.at(1n));
    await aWhile();
    assert.ok(read('shop'), 'the namespaces are not known');
    blind = false;
    await aWhile();
    assert.ok(read('shop'));
    database.away = true;
    server.put(namespace('shop'));
    await aWhile();
    assert.ok(read('shop'), 'the database is away');
    database.away = false;
    await until(t, () => read('shop') === undefined);
  });

  it('does not remove what somebody wrote a moment ago', async (t) => {
    const { server, read, edit, wanted, start } = await setUp(t);
    const { publisher, lead } = await start();
    wanted.push('shop');
    await lead();
    await publisher.publish(source.at(1n));
    let met = false;
    server.interfere(({ verb, namespace: of }) => {
      if (verb !== 'delete' || of !== 'shop' || met) return undefined;
      met = true;
      // Handed over to somebody else at this very moment.
      edit('shop', ['metadata', 'labels', 'internal-ca.io/copy'], 'false');
      return undefined;
    });
    wanted.length = 0;
    await until(t, () => met);
    await aWhile();
    assert.ok(read('shop'));
  });
});

describe('the ConfigMap and the ClusterTrustBundle', { timeout: 30_000 }, () => {
  const names = { configMapName: name, clusterTrustBundleName: 'internal-ca.example' };
  const bundle = 'clustertrustbundle:internal-ca.example';
  const readBundle = (server: { read: (...of: [string, string, undefined, string]) => unknown }) =>
    server.read('certificates.k8s.io/v1beta1', 'ClusterTrustBundle', undefined, 'internal-ca.example');

  it('are written only when they are asked for', async (t) => {
    const { server, start } = await setUp(t);
    const { publisher, lead } = await start();
    await lead();
    await publisher.publish(source.at(1n));
    assert.ok(server.calls.every(({ resource }) => resource === 'secrets'));
  });

  it('carry ca.crt alone, go where Secrets go, are repaired, and go with them', async (t) => {
    const { server, read, text, wanted, start } = await setUp(t);
    const { publisher, lead, state, events } = await start({ cluster: names });
    wanted.push('shop');
    await lead();
    const material = source.at(1n);
    await publisher.publish(material);
    for (const place of ['internal-ca', 'shop'])
      assert.deepEqual(objectAt(read(place, 'ConfigMap'), 'data'), { 'ca.crt': material.caCrt });
    assert.equal(objectAt(readBundle(server), 'spec').trustBundle, material.caCrt);
    const { state: is, crlNumber, caFingerprints } = (await state('configmap:shop/internal-ca')) ?? {};
    assert.deepEqual([is, crlNumber, caFingerprints], ['Current', undefined, material.caFingerprints]);
    assert.equal((await state(bundle))?.state, 'Current');
    // A CRL is nothing to them.
    const writes = () =>
      server.calls.filter(({ verb, resource }) => verb === 'patch' && resource !== 'secrets');
    const before = writes().length;
    await publisher.publish(source.at(2n));
    assert.equal(writes().length, before);

    server.put({ ...read('shop', 'ConfigMap'), data: { 'ca.crt': 'edited' } }, 'kubectl-edit');
    server.remove('certificates.k8s.io/v1beta1', 'ClusterTrustBundle', '', 'internal-ca.example');
    await until(t, () => text('shop', 'ca.crt', 'ConfigMap') === material.caCrt);
    await until(t, () => readBundle(server) !== undefined);
    await until(t, () =>
      events.some(({ on, event }) => on === 'ConfigMap shop/internal-ca' && event.reason === 'CopyRepaired'),
    );
    wanted.length = 0;
    await until(t, () => read('shop') === undefined && read('shop', 'ConfigMap') === undefined);
    assert.ok(read('internal-ca', 'ConfigMap'));
  });

  it('foreign ones are left alone', async (t) => {
    const { server, text, start } = await setUp(t);
    const theirs = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'internal-ca' } };
    server.put({ ...theirs, data: { 'ca.crt': 'theirs' } });
    const { publisher, lead, state, events } = await start({ cluster: names });
    await lead();
    await publisher.publish(source.at(1n));
    assert.equal(text('internal-ca', 'ca.crt', 'ConfigMap'), 'theirs');
    assert.match((await state('configmap:internal-ca/internal-ca'))?.error ?? '', /not ours/);
    assert.ok(events.some(({ event }) => event.reason === 'ForeignConfigMap'));
  });

  it('a cluster without ClusterTrustBundles is waited for, without an alarm', async (t) => {
    const { start } = await setUp(t, { clusterTrustBundles: 'off' });
    const { publisher, lead, state, warnings, metrics } = await start({ cluster: names });
    await lead();
    await publisher.publish(source.at(1n));
    const { state: is, waitingFor } = (await state(bundle)) ?? {};
    assert.deepEqual([is, waitingFor], ['Waiting', 'The cluster does not serve this kind of object.']);
    await aWhile();
    assert.deepEqual(warnings, []);
    assert.doesNotMatch(await metrics(), /target="clustertrustbundle/);
  });
});
