import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type JsonObject, objectAt, setAt } from '../support/kubernetes/json.ts';
import { createMaterialSource } from '../support/trust-material.ts';
import { name, setUp, until } from './harness.ts';

const source = await createMaterialSource();
const shop = 'secret:shop/internal-ca';
const labels = { 'app.kubernetes.io/managed-by': 'internal-ca', 'internal-ca.io/copy': 'true' };
const encode = (text: string) => Buffer.from(text).toString('base64');

const labelled = (more: JsonObject): JsonObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  type: 'Opaque',
  metadata: { name, namespace: 'shop', labels },
  ...more,
});

describe('an object that carries the labels of a copy', { timeout: 20_000 }, () => {
  for (const [what, more] of [
    [
      'of type kubernetes.io/tls',
      { type: 'kubernetes.io/tls', data: { 'tls.crt': 'eA==', 'tls.key': 'eA==' } },
    ],
    ['with a password', { data: { 'ca.crt': 'eA==', password: 'eA==' } }],
    ['with a private key as ca.crt', { data: { 'ca.crt': encode('-----BEGIN RSA PRIVATE KEY-----\n') } }],
  ] as const) {
    it(`${what} is neither taken over nor deleted`, async (t) => {
      const { server, read, wanted, start } = await setUp(t);
      const theirs = labelled(more);
      server.put(theirs);
      wanted.push('shop');
      const { publisher, lead, state } = await start();
      await lead();
      await publisher.publish(source.at(1n));
      await until(t, async () => (await state(shop))?.state === 'Failed');
      await assert.rejects(publisher.ensureNamespace('shop'), { code: 'publication-refused' });
      wanted.length = 0;
      assert.deepEqual(await publisher.removeUnwanted('shop'), []);
      assert.deepEqual(objectAt(read('shop'), 'data'), objectAt(theirs, 'data'));
    });
  }

  it('as a ConfigMap with more than ca.crt is not taken over', async (t) => {
    const { server, read, wanted, start } = await setUp(t);
    const data = { 'ca.crt': 'theirs', 'nginx.conf': 'theirs' };
    server.put({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'shop', labels }, data });
    wanted.push('shop');
    const { publisher, lead, state } = await start({ cluster: { configMapName: name } });
    await lead();
    await publisher.publish(source.at(1n));
    await until(t, async () => (await state('configmap:shop/internal-ca'))?.state === 'Failed');
    assert.deepEqual(objectAt(read('shop', 'ConfigMap'), 'data'), data);
  });
});

describe('a copy that cannot be patched', { timeout: 20_000 }, () => {
  for (const kind of ['Secret', 'ConfigMap']) {
    it(`is made anew, when a ${kind} of ours is immutable`, async (t) => {
      const { server, read, text, wanted, start } = await setUp(t);
      const { publisher, lead } = await start({ cluster: { configMapName: name } });
      wanted.push('shop');
      await lead();
      await publisher.publish(source.at(1n));
      await until(t, () => read('shop', kind) !== undefined);
      const before = objectAt(read('shop', kind));
      setAt(before, ['immutable'], true);
      setAt(before, ['data', 'ca.crt'], kind === 'Secret' ? encode('stale') : 'stale');
      server.put(before);
      await publisher.publish(source.at(2n));
      await until(t, () => text('shop', 'ca.crt', kind) === source.at(2n).caCrt);
      const after = read('shop', kind);
      assert.notEqual(objectAt(after, 'metadata').uid, objectAt(before, 'metadata').uid);
      assert.equal(after?.immutable, undefined);
    });
  }

  it('is made anew, when one of ours has another type but holds nothing else', async (t) => {
    const { server, read, text, wanted, start } = await setUp(t);
    const { publisher, lead } = await start();
    wanted.push('shop');
    await lead();
    await publisher.publish(source.at(1n));
    server.put({ ...objectAt(read('shop')), type: 'nginx.org/ca' });
    await publisher.publish(source.at(2n));
    await until(t, () => read('shop')?.type === 'Opaque' && text('shop', 'ca.crl') === source.at(2n).caCrl);
  });

  it('is left alone, when it is immutable and somebody added a key', async (t) => {
    const { server, read, wanted, start } = await setUp(t);
    const { publisher, lead, state } = await start();
    wanted.push('shop');
    await lead();
    await publisher.publish(source.at(1n));
    await until(t, () => read('shop') !== undefined);
    const changed = objectAt(read('shop'));
    setAt(changed, ['immutable'], true);
    setAt(changed, ['data', 'tls.key'], encode('-----BEGIN PRIVATE KEY-----\n'));
    server.put(changed);
    await publisher.publish(source.at(2n));
    await until(t, async () => (await state(shop))?.state === 'Failed');
    assert.equal(objectAt(read('shop'), 'data')['tls.key'], objectAt(changed, 'data')['tls.key']);
  });
});
