import assert from 'node:assert/strict';
import { it } from 'node:test';
import { assertConflict, faultOf } from '../support/faults.ts';
import { contract } from '../support/kubernetes/contract.ts';

/** What enforcing on an Ingress stands on, beyond what holds for every object. */
contract('Ingresses', (ground) => {
  const backend = { service: { name: 'web', port: { number: 80 } } };
  const http = { paths: [{ path: '/', pathType: 'Prefix', backend }] };
  const path = (name = '') =>
    `/apis/networking.k8s.io/v1/namespaces/${ground.namespace}/ingresses${name && `/${name}`}`;

  const put = (name: string, annotations: Record<string, string>) =>
    ground.cluster.request({
      method: 'POST',
      path: path(),
      manager: 'helm',
      body: {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'Ingress',
        metadata: { name, annotations },
        spec: { rules: [{ host: `${name}.example.com`, http }] },
      },
    });
  const edit = (name: string, body: unknown) =>
    ground.cluster.request({
      method: 'PATCH',
      path: path(name),
      manager: 'kubectl-edit',
      contentType: 'application/merge-patch+json',
      body,
    });
  const wish = (name: string, annotations: Record<string, string>) => ({
    metadata: { name, namespace: ground.namespace, annotations },
  });

  it('are not made by an apply of annotations alone', async () => {
    const fault = await faultOf(ground.cluster.admin.applyIngress(wish('absent', { 'example.com/a': '1' })));
    assert.equal(fault.code, 'request-invalid');
    assert.match(fault.message, /spec: .*either `defaultBackend` or `rules` must be specified/);
    assert.equal(await ground.cluster.admin.getIngress(ground.namespace, 'absent'), undefined);
  });

  it('count the changes of their spec, and of nothing else', async () => {
    const { admin } = ground.cluster;
    await put('counted', {});
    const generation = async () => (await admin.getIngress(ground.namespace, 'counted'))?.metadata.generation;
    assert.equal(await generation(), 1);
    await admin.applyIngress(wish('counted', { 'example.com/a': '1' }));
    assert.equal(await generation(), 1);
    await edit('counted', { spec: { ingressClassName: 'nginx' } });
    assert.equal(await generation(), 2);
  });

  it('tell who owns an annotation: with whom, after whom, and who made the first of them', async () => {
    const { admin } = ground.cluster;
    await put('owned', { 'example.com/a': '1', 'example.com/b': '1' });
    await admin.applyIngress(wish('owned', { 'example.com/b': '1', 'example.com/c': '1' }));
    await edit('owned', { metadata: { annotations: { 'example.com/a': '2', 'example.com/c': '2' } } });
    const owners = async () => {
      const ingress = await admin.getIngress(ground.namespace, 'owned');
      return Object.fromEntries(
        (ingress?.metadata.managedFields ?? []).map(({ manager, operation, fieldsV1 }) => [
          `${manager} ${operation}`,
          fieldsV1?.['f:metadata'],
        ]),
      );
    };
    assert.deepEqual(await owners(), {
      'helm Update': { 'f:annotations': { '.': {}, 'f:example.com/b': {} } },
      'internal-ca Apply': { 'f:annotations': { 'f:example.com/b': {} } },
      'kubectl-edit Update': { 'f:annotations': { 'f:example.com/a': {}, 'f:example.com/c': {} } },
    });
    // The field of another one's edit is a conflict; taken away by the edit, it is free.
    const again = wish('owned', { 'example.com/b': '1', 'example.com/c': '1' });
    const fault = await faultOf(admin.applyIngress(again));
    assertConflict(fault, 'field-manager-conflict');
    assert.match(fault.message, /"kubectl-edit" using networking\.k8s\.io\/v1: \.metadata\.annotations/);
    await edit('owned', { metadata: { annotations: { 'example.com/b': null, 'example.com/c': null } } });
    const healed = await admin.applyIngress(again);
    assert.deepEqual(healed.metadata.annotations, {
      'example.com/a': '2',
      'example.com/b': '1',
      'example.com/c': '1',
    });
    // Who made the map keeps it, and is written as if the whole of it were one field of its own.
    assert.deepEqual((await owners())['helm Update'], { 'f:annotations': {} });
  });

  it('name each field and each manager of several conflicts', async () => {
    await put('several', { 'example.com/a': '1', 'example.com/b': '1' });
    await edit('several', { metadata: { annotations: { 'example.com/b': '2' } } });
    const all = { 'example.com/a': '3', 'example.com/b': '3' };
    const fault = await faultOf(ground.cluster.admin.applyIngress(wish('several', all)));
    assertConflict(fault, 'field-manager-conflict');
    assert.deepEqual(fault.reasons.map(({ detail }) => detail).sort(), [
      '.metadata.annotations.example.com/a: conflict with "helm" using networking.k8s.io/v1',
      '.metadata.annotations.example.com/b: conflict with "kubectl-edit" using networking.k8s.io/v1',
    ]);
    assert.match(fault.message, /conflicts with "helm" .*conflicts with "kubectl-edit" /s);
  });

  it('are not patched as another object', async () => {
    await put('patched', {});
    const patch = {
      type: 'merge',
      body: {
        metadata: { uid: '00000000-0000-0000-0000-000000000000', annotations: { 'example.com/a': '1' } },
      },
    } as const;
    const fault = await faultOf(ground.cluster.admin.patchIngress(ground.namespace, 'patched', patch));
    assertConflict(fault, 'uid-mismatch');
  });

  it('are not confused by a name that looks like a reason', async () => {
    const { admin } = ground.cluster;
    await put('uid', {});
    const stale = { resourceVersion: '1' };
    const patch = { type: 'merge', body: { metadata: { annotations: { 'example.com/a': '1' } } } } as const;
    const fault = await faultOf(admin.patchIngress(ground.namespace, 'uid', patch, stale));
    assertConflict(fault, 'object-modified');
  });
});
