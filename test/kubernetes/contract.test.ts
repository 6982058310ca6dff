import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, it } from 'node:test';
import { encodeSecretData, type Ingress, type Secret } from '../../src/kubernetes/client.ts';
import { assertConflict, faultOf } from '../support/faults.ts';
import type { Cluster } from '../support/kubernetes/cluster.ts';
import { contract } from '../support/kubernetes/contract.ts';
import { watchInTest } from '../support/kubernetes/watched.ts';

contract('Kubernetes objects', (ground) => {
  let cluster: Cluster;
  let namespace: string;
  before(() => {
    ({ cluster, namespace } = ground);
  });

  const secret = (name_: string, values: Record<string, string>, more: Partial<Secret> = {}) => ({
    type: 'Opaque',
    ...more,
    metadata: { name: name_, namespace },
    data: encodeSecretData(values),
  });

  const putIngress = (name_: string, annotations: Record<string, string>) =>
    cluster.request({
      method: 'POST',
      path: `/apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses`,
      manager: 'kubectl-create',
      body: ingressBody(name_, annotations),
    });

  it('answers undefined for what is not there', async () => {
    const { admin } = cluster;
    assert.equal(await admin.getNamespace('no-such-namespace'), undefined);
    assert.equal(await admin.getSecret(namespace, 'no-such'), undefined);
    assert.equal(await admin.getConfigMap(namespace, 'no-such'), undefined);
    assert.equal(await admin.getIngress(namespace, 'no-such'), undefined);
    assert.equal(await admin.deleteSecret(namespace, 'no-such'), false);
    const patch = { type: 'merge', body: { metadata: { labels: { a: 'b' } } } } as const;
    assert.equal(await admin.patchIngress(namespace, 'no-such', patch), undefined);
    assert.equal((await admin.getNamespace(namespace))?.status?.phase, 'Active');
    await admin.ping();
  });

  it('lets exactly one of several creators win', async () => {
    const creators = Array.from({ length: 4 }, (_, i) =>
      cluster.admin.createSecret(secret('one', { k: `${i}` })),
    );
    const outcomes = await Promise.allSettled(creators);
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') assertConflict(outcome.reason, 'already-exists');
    }
  });

  it('applies: creates, leaves alone what is the same, removes what is no longer named', async () => {
    const { admin } = cluster;
    const first = await admin.applySecret(secret('applied', { a: '1', b: '2' }));
    assert.match(first.metadata.uid ?? '', /^[0-9a-f-]{36}$/);
    const again = await admin.applySecret(secret('applied', { a: '1', b: '2' }));
    assert.equal(again.metadata.resourceVersion, first.metadata.resourceVersion);
    const fewer = await admin.applySecret(secret('applied', { a: '3' }));
    assert.deepEqual(fewer.data, encodeSecretData({ a: '3' }));
    assert.deepEqual(
      fewer.metadata.managedFields?.map(({ manager, operation }) => ({ manager, operation })),
      [{ manager: 'internal-ca', operation: 'Apply' }],
    );
    assert.deepEqual(fewer.metadata.managedFields?.[0]?.fieldsV1, {
      'f:data': { 'f:a': {} },
      'f:type': {},
    });
  });

  it('names manager and field of a conflict, and takes over by force', async () => {
    const { admin } = cluster;
    await putIngress('fought', { 'example.com/x': 'theirs', 'example.com/z': 'same' });
    const wish = {
      metadata: {
        name: 'fought',
        namespace,
        annotations: { 'example.com/x': 'ours', 'example.com/y': 'ours', 'example.com/z': 'same' },
      },
    };
    const fault = await faultOf(admin.applyIngress(wish));
    assertConflict(fault, 'field-manager-conflict');
    assert.equal(fault.reasons.length, 1);
    assert.match(fault.message, /kubectl-create/);
    assert.match(
      fault.reasons[0]?.detail ?? '',
      /^\.metadata\.annotations\.example\.com\/x: .*"kubectl-create"/,
    );
    assert.equal(
      (await admin.getIngress(namespace, 'fought'))?.metadata.annotations?.['example.com/y'],
      undefined,
    );

    const taken = await admin.applyIngress(wish, { force: true });
    assert.equal(taken.metadata.annotations?.['example.com/x'], 'ours');
    // What we give up is gone, unless another manager owns it with us.
    const given = await admin.applyIngress({ metadata: { name: 'fought', namespace } });
    assert.deepEqual(given.metadata.annotations, { 'example.com/z': 'same' });
  });

  it('applies to that very object only, when asked', async () => {
    const { admin } = cluster;
    const wish = secret('guarded', { a: '1' });
    const missing = { ...wish, metadata: { ...wish.metadata, uid: randomUUID() } };
    assertConflict(await faultOf(admin.applySecret(missing)), 'uid-mismatch');
    assert.equal(await admin.getSecret(namespace, 'guarded'), undefined);

    const { metadata } = await admin.applySecret(wish);
    assertConflict(await faultOf(admin.applySecret(missing)), 'uid-mismatch');
    const versioned = (version: string | undefined, value: string) => ({
      ...secret('guarded', { a: value }),
      metadata: {
        ...wish.metadata,
        ...(metadata.uid && { uid: metadata.uid }),
        ...(version && { resourceVersion: version }),
      },
    });
    const second = await admin.applySecret(versioned(metadata.resourceVersion, '2'));
    assertConflict(
      await faultOf(admin.applySecret(versioned(metadata.resourceVersion, '3'))),
      'object-modified',
    );
    assert.deepEqual((await admin.getSecret(namespace, 'guarded'))?.data, second.data);
  });

  it('stores nothing in a dry run, and still says what it would do', async () => {
    await putIngress('dry', { 'example.com/x': '1' });
    const wish = { metadata: { name: 'dry', namespace, annotations: { 'example.com/y': '2' } } };
    const would = await cluster.admin.applyIngress(wish, { dryRun: true });
    assert.deepEqual(would.metadata.annotations, { 'example.com/x': '1', 'example.com/y': '2' });
    const is = await cluster.admin.getIngress(namespace, 'dry');
    assert.deepEqual(is?.metadata.annotations, { 'example.com/x': '1' });
  });

  it('patches, merging or by steps, and not over a version that we have not seen', async () => {
    const { admin } = cluster;
    await putIngress('patched', { 'example.com/x': '1', 'example.com/y': '1' });
    const before_ = await admin.getIngress(namespace, 'patched');
    const version = before_?.metadata.resourceVersion ?? '';
    const merge = {
      type: 'merge',
      body: { metadata: { annotations: { 'example.com/x': null } } },
    } as const;
    const merged = await admin.patchIngress(namespace, 'patched', merge, { resourceVersion: version });
    assert.deepEqual(merged?.metadata.annotations, { 'example.com/y': '1' });
    assert.deepEqual(merged?.spec, before_?.spec);

    const json = {
      type: 'json',
      operations: [{ op: 'replace', path: '/metadata/annotations/example.com~1y', value: '2' }],
    } as const;
    for (const patch of [merge, json]) {
      const fault = await faultOf(
        admin.patchIngress(namespace, 'patched', patch, { resourceVersion: version }),
      );
      assertConflict(fault, 'object-modified');
    }
    const present = merged?.metadata.resourceVersion ?? '';
    const stepped = await admin.patchIngress(namespace, 'patched', json, { resourceVersion: present });
    assert.deepEqual(stepped?.metadata.annotations, { 'example.com/y': '2' });
  });

  it('deletes that very object only, when asked', async () => {
    const { admin } = cluster;
    const { metadata } = await admin.applySecret(secret('deleted', { a: '1' }));
    const { uid = '', resourceVersion = '' } = metadata;
    const other = await faultOf(admin.deleteSecret(namespace, 'deleted', { uid: randomUUID() }));
    assertConflict(other, 'uid-mismatch');
    const stale = await faultOf(admin.deleteSecret(namespace, 'deleted', { resourceVersion: '1' }));
    assert.equal(stale.code, 'conflict');
    assert.equal(await admin.deleteSecret(namespace, 'deleted', { uid, resourceVersion }), true);
    assert.equal(await admin.getSecret(namespace, 'deleted'), undefined);
  });

  it('says which namespace is missing', async () => {
    const wish = { ...secret('x', { a: '1' }), metadata: { name: 'x', namespace: 'no-such-namespace' } };
    const { admin } = cluster;
    for (const attempt of [() => admin.applySecret(wish), () => admin.createSecret(wish)]) {
      const fault = await faultOf(attempt());
      assert.equal(fault.code, 'namespace-not-found');
      assert.match(fault.message, /no-such-namespace/);
    }
  });

  it('refuses a Secret over 1 MiB, another type and a bad name, and says why', async () => {
    const { admin } = cluster;
    const tooLarge = await faultOf(admin.applySecret(secret('large', { a: 'x'.repeat(1024 * 1024 + 1) })));
    assert.equal(tooLarge.code, 'request-invalid');
    assert.match(tooLarge.message, /may not be more than 1048576 bytes/);
    const largest = await admin.applySecret(secret('large', { a: 'x'.repeat(1024 * 1024) }));
    assert.equal(largest.type, 'Opaque');
    const retyped = await faultOf(
      admin.applySecret(secret('large', { a: 'x' }, { type: 'example.com/other' })),
    );
    assert.match(retyped.message, /type: Invalid value: "example.com\/other": field is immutable/);
    const named = await faultOf(admin.applySecret(secret('Not_A_Name', { a: 'x' })));
    assert.match(named.message, /metadata\.name: Invalid value/);
  });

  it('names verb, resource and namespace of a permission that is missing', async () => {
    const api = await cluster.connectAs([
      { apiGroups: [''], resources: ['secrets'], verbs: ['get'], namespaces: [namespace] },
    ]);
    assert.equal(await api.getSecret(namespace, 'no-such'), undefined);
    const refused = [
      {
        call: () => api.applySecret(secret('x', { a: '1' })),
        words: [/patch secrets\/x in namespace/, /cannot patch resource "secrets"/],
      },
      {
        call: () => api.listSecrets({ namespace }),
        words: [/list secrets in namespace/, /cannot list resource "secrets"/],
      },
      {
        call: () => api.listIngresses(),
        words: [/list ingresses/, /in API group "networking.k8s.io" at the cluster scope/],
      },
      { call: () => api.getNamespace('default'), words: [/get namespaces\/default/] },
    ];
    for (const { call, words } of refused) {
      const fault = await faultOf(call());
      assert.equal(fault.code, 'kubernetes-forbidden');
      for (const word of words) assert.match(fault.message, word);
    }
    const nobody = await faultOf((await cluster.connectAsNobody()).getSecret(namespace, 'x'));
    assert.equal(nobody.code, 'kubernetes-forbidden');
  });

  it('keeps, watches and removes one Secret by name in all namespaces with resourceNames alone', async () => {
    const api = await cluster.connectAs([
      {
        apiGroups: [''],
        resources: ['secrets'],
        resourceNames: ['ours-only'],
        verbs: ['get', 'list', 'watch', 'create', 'patch', 'delete'],
      },
    ]);
    const watched = watchInTest(api, 'secrets', { name: 'ours-only', metadataOnly: true });
    await watched.until('list:');
    await api.applySecret(secret('ours-only', { a: '1' }));
    await watched.until('ADDED:ours-only');
    const [found] = await api.listSecrets({ name: 'ours-only', metadataOnly: true });
    assert.equal(found?.metadata.namespace, namespace);
    assert.equal(found?.data, undefined);
    assert.equal((await faultOf(api.applySecret(secret('other', { a: '1' })))).code, 'kubernetes-forbidden');
    assert.equal((await faultOf(api.listSecrets({}))).code, 'kubernetes-forbidden');
    assert.equal(await api.deleteSecret(namespace, 'ours-only'), true);
    await watched.until('DELETED:ours-only');
    watched.close();
    assert.deepEqual(
      watched.seen.filter((entry) => entry.startsWith('error')),
      [],
    );
  });

  it('needs the create permission for an apply that creates', async () => {
    const api = await cluster.connectAs([
      { apiGroups: [''], resources: ['secrets'], verbs: ['get', 'patch'], namespaces: [namespace] },
    ]);
    const fault = await faultOf(api.applySecret(secret('uncreated', { a: '1' })));
    assert.equal(fault.code, 'kubernetes-forbidden');
    assert.match(fault.message, /cannot create resource "secrets"/);
  });

  it('lists Ingresses of all namespaces, IngressClasses and ConfigMaps', async () => {
    const { admin } = cluster;
    await putIngress('listed', {});
    const other = await cluster.createNamespace();
    await cluster.request({
      method: 'POST',
      path: `/apis/networking.k8s.io/v1/namespaces/${other}/ingresses`,
      body: ingressBody('elsewhere', {}),
    });
    const place = ({ metadata }: Ingress) => `${metadata.namespace}/${metadata.name}`;
    const all = (await admin.listIngresses()).map(place);
    assert.ok(all.includes(`${namespace}/listed`) && all.includes(`${other}/elsewhere`));
    assert.deepEqual((await admin.listIngresses(other)).map(place), [`${other}/elsewhere`]);

    const className = `${namespace}-class`;
    const classPath = '/apis/networking.k8s.io/v1/ingressclasses';
    const spec = { controller: 'k8s.io/ingress-nginx' };
    const body = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IngressClass',
      metadata: { name: className },
      spec,
    };
    await cluster.request({ method: 'POST', path: classPath, body });
    const found = (await admin.listIngressClasses()).find(({ metadata }) => metadata.name === className);
    assert.equal(found?.spec?.controller, 'k8s.io/ingress-nginx');
    await cluster.request({ method: 'DELETE', path: `${classPath}/${className}` });

    await cluster.request({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/configmaps`,
      body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { a: 'b' } },
    });
    assert.deepEqual((await admin.getConfigMap(namespace, 'settings'))?.data, { a: 'b' });
  });

  it('watches: the list, then every change, by label', async () => {
    const { admin } = cluster;
    const labelled = (name_: string, label: string, value: string) => {
      const { metadata, ...rest } = secret(name_, { a: value });
      return admin.applySecret({ ...rest, metadata: { ...metadata, labels: { 'example.com/w': label } } });
    };
    await labelled('w1', 'yes', '1');
    const watched = watchInTest(admin, 'secrets', { namespace, labelSelector: 'example.com/w=yes' });
    await watched.until('list:w1');
    await labelled('w2', 'no', '1');
    await labelled('w3', 'yes', '1');
    await watched.until('ADDED:w3');
    await labelled('w3', 'yes', '2');
    await watched.until('MODIFIED:w3');
    await labelled('w3', 'no', '2');
    await watched.until('DELETED:w3');
    await labelled('w2', 'yes', '1');
    await watched.until('ADDED:w2');
    await admin.deleteSecret(namespace, 'w1');
    await watched.until('DELETED:w1');
    watched.close();
    assert.equal(watched.seen.length, 6);
  });

  it('resumes a watch that the server ended, without listing again', async () => {
    const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list', 'watch'] }];
    const backOff = { initialMs: 10, maxMs: 100 };
    const api = await cluster.connectAs(rules, { watchTimeoutSeconds: 1, watchBackOff: backOff });
    const watched = watchInTest(api, 'configmaps', { namespace, labelSelector: 'example.com/resumed' });
    await watched.until('list:');
    // Longer than one watch lives: some of these come in the second.
    for (let i = 0; i < 4; i += 1) {
      await cluster.request({
        method: 'POST',
        path: `/api/v1/namespaces/${namespace}/configmaps`,
        body: {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: `r${i}`, labels: { 'example.com/resumed': '' } },
        },
      });
      await watched.until(`ADDED:r${i}`);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    watched.close();
    assert.deepEqual(watched.seen, ['list:', 'ADDED:r0', 'ADDED:r1', 'ADDED:r2', 'ADDED:r3']);
  });
});

function ingressBody(name: string, annotations: Record<string, string>) {
  const backend = { service: { name: 'web', port: { number: 80 } } };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name, annotations },
    spec: {
      ingressClassName: 'nginx',
      rules: [{ host: `${name}.example.com`, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }],
      tls: [{ hosts: [`${name}.example.com`], secretName: 'tls' }],
    },
  };
}
