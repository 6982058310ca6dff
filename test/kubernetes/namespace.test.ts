import assert from 'node:assert/strict';
import { it } from 'node:test';
import { encodeSecretData } from '../../src/kubernetes/client.ts';
import { assertConflict, faultOf } from '../support/faults.ts';
import { contract } from '../support/kubernetes/contract.ts';
import { watchInTest } from '../support/kubernetes/watched.ts';

contract('Namespaces and ConfigMaps', (ground) => {
  const label = (name: string, labels: Record<string, string | null>) =>
    ground.cluster.request({
      method: 'PATCH',
      path: `/api/v1/namespaces/${name}`,
      contentType: 'application/merge-patch+json',
      body: { metadata: { labels } },
    });

  it('are listed and watched by label: made, labelled, unlabelled, gone', async () => {
    const { admin } = ground.cluster;
    const key = `example.com/${ground.namespace}`;
    const [first, second] = [await ground.cluster.createNamespace(), await ground.cluster.createNamespace()];
    await label(first, { [key]: 'yes' });
    const listed = await admin.listNamespaces(`${key}=yes`);
    assert.deepEqual(
      listed.map(({ metadata }) => metadata.name),
      [first],
    );
    assert.ok((await admin.listNamespaces()).length >= 3);

    const watched = watchInTest(admin, 'namespaces', { labelSelector: `${key}=yes` });
    await watched.until(`list:${first}`);
    await label(second, { [key]: 'yes' });
    await watched.until(`ADDED:${second}`);
    await label(first, { [key]: null });
    await watched.until(`DELETED:${first}`);
    await ground.cluster.request({ method: 'DELETE', path: `/api/v1/namespaces/${second}` });
    await watched.until(`DELETED:${second}`);
    watched.close();
    assert.deepEqual(
      watched.seen.filter((entry) => entry.startsWith('error')),
      [],
    );
  });

  it('have their own name as a label', async () => {
    const { namespace } = ground;
    const found = await ground.cluster.admin.listNamespaces(`kubernetes.io/metadata.name=${namespace}`);
    assert.deepEqual(
      found.map(({ metadata }) => metadata.name),
      [namespace],
    );
  });

  it('that are being deleted take nothing new, but changes of what is there', async (t) => {
    const { admin, request } = ground.cluster;
    const namespace = await ground.cluster.createNamespace();
    const held = `/api/v1/namespaces/${namespace}/configmaps/held`;
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'held' } };
    const finalizers = ['internal-ca.io/test'];
    await request({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/configmaps`,
      body: { ...body, metadata: { ...body.metadata, finalizers } },
    });
    const release = () =>
      request({
        method: 'PATCH',
        path: held,
        contentType: 'application/merge-patch+json',
        body: { metadata: { finalizers: null } },
      });
    t.after(() => release().catch(() => undefined));
    await request({ method: 'DELETE', path: `/api/v1/namespaces/${namespace}` });
    assert.equal((await admin.getNamespace(namespace))?.status?.phase, 'Terminating');

    const metadata = { name: 'new', namespace };
    const secret = { metadata, type: 'Opaque', data: encodeSecretData({ a: '1' }) };
    const involvedObject = { apiVersion: 'v1', kind: 'ConfigMap', name: 'held', namespace };
    for (const attempt of [
      () => admin.createSecret(secret),
      () => admin.applySecret(secret),
      () => admin.applyConfigMap({ metadata, data: { a: '1' } }),
      () => admin.createLease({ metadata, spec: {} }),
      () => admin.createEvent({ metadata, involvedObject, type: 'Normal', reason: 'A', message: 'b' }),
    ]) {
      const fault = await faultOf(attempt());
      assertConflict(fault, 'namespace-terminating');
      assert.match(fault.message, new RegExp(`namespace ${namespace} .*is being terminated`));
    }
    const changed = await admin.applyConfigMap({ metadata: { name: 'held', namespace }, data: { a: '1' } });
    assert.deepEqual(changed.data, { a: '1' });

    const watched = watchInTest(admin, 'namespaces', { name: namespace });
    await watched.until(`list:${namespace}`);
    await release();
    await watched.until(`DELETED:${namespace}`);
    watched.close();
    assert.equal(await admin.getNamespace(namespace), undefined);
    assert.equal((await faultOf(admin.applySecret(secret))).code, 'namespace-not-found');
  });

  it('hold ConfigMaps: applied, listed by label, deleted as that very object, at most 1 MiB', async () => {
    const { admin } = ground.cluster;
    const metadata = { name: 'roots', namespace: ground.namespace, labels: { 'example.com/ours': 'yes' } };
    const first = await admin.applyConfigMap({ metadata, data: { 'ca.crt': 'one' } });
    const same = await admin.applyConfigMap({ metadata, data: { 'ca.crt': 'one' } });
    assert.equal(same.metadata.resourceVersion, first.metadata.resourceVersion);
    const scope = { namespace: ground.namespace, labelSelector: 'example.com/ours=yes' };
    const [listed, ...others] = await admin.listConfigMaps(scope);
    assert.deepEqual(listed?.data, { 'ca.crt': 'one' });
    assert.deepEqual(others, []);
    const stale = { resourceVersion: '1' };
    const fault = await faultOf(admin.deleteConfigMap(ground.namespace, 'roots', stale));
    assert.equal(fault.code, 'conflict');
    assert.equal(await admin.deleteConfigMap(ground.namespace, 'roots'), true);
    assert.equal(await admin.deleteConfigMap(ground.namespace, 'roots'), false);

    const large = { metadata, data: { 'ca.crt': 'x'.repeat(1024 * 1024 + 1) } };
    const tooLong = await faultOf(admin.applyConfigMap(large));
    assert.equal(tooLong.code, 'request-invalid');
    assert.match(tooLong.message, /Too long: may not be more than 1048576 bytes/);
  });
});
