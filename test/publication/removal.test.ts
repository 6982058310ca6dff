import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { objectAt } from '../support/kubernetes/json.ts';
import { createMaterialSource } from '../support/trust-material.ts';
import { aWhile, name, setUp, until } from './harness.ts';

const source = await createMaterialSource();
const shop = 'secret:shop/internal-ca';
const encode = (text: string) => Buffer.from(text).toString('base64');

describe('the copy of the last enforced Ingress', { timeout: 30_000 }, () => {
  it('goes at once, on any replica, unless it is ours, configured, selected or foreign', async (t) => {
    const { server, read, wanted, start } = await setUp(t);
    server.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'blog', labels: { a: 'b' } } });
    const cluster = { namespaces: ['extra'], namespaceSelector: 'a=b', configMapName: name };
    // It does not look by itself, so that what goes goes through the follower.
    const leader = await start({ cluster, times: { wishesMs: 3_600_000 } });
    const follower = await start({ cluster });
    wanted.push('shop');
    await leader.lead();
    await leader.publisher.publish(source.at(1n));
    await until(t, () => read('blog') !== undefined);
    assert.deepEqual(await follower.publisher.removeUnwanted('shop'), []);
    assert.ok(read('shop'));
    wanted.length = 0;
    assert.deepEqual(await follower.publisher.removeUnwanted('shop'), [shop, 'configmap:shop/internal-ca']);
    assert.equal(read('shop'), undefined);
    assert.equal(await follower.state(shop), undefined);
    await aWhile();
    assert.equal(read('shop'), undefined, 'it does not come back through the leader');
    for (const namespace of ['internal-ca', 'extra', 'blog']) {
      assert.deepEqual(await follower.publisher.removeUnwanted(namespace), []);
      assert.ok(read(namespace), namespace);
    }
    server.put({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'shop' }, data: {} });
    assert.deepEqual(await follower.publisher.removeUnwanted('shop'), []);
    assert.ok(read('shop'));
  });

  it('stays when it was handed over to somebody else a moment ago', async (t) => {
    const { server, read, edit, wanted, start } = await setUp(t);
    const { publisher, lead } = await start();
    wanted.push('shop');
    const term = await lead();
    await publisher.publish(source.at(1n));
    await term.end();
    wanted.length = 0;
    server.interfere(({ verb }) => {
      if (verb === 'delete') edit('shop', ['metadata', 'labels', 'internal-ca.io/copy'], 'false');
      return undefined;
    });
    assert.deepEqual(await publisher.removeUnwanted('shop'), []);
    assert.ok(read('shop'));
  });

  for (const [what, change] of [
    ['a private key beside the CA', { data: { 'tls.key': encode('-----BEGIN PRIVATE KEY-----') } }],
    [
      'a private key in the place of the CA',
      { data: { 'ca.crt': encode('-----BEGIN EC PRIVATE KEY-----') } },
    ],
    ['another type', { type: 'kubernetes.io/tls' }],
    ['no word of who wrote it', { metadata: { annotations: {} } }],
  ] as const) {
    it(`stays, for the leader and for a request, with ${what}`, async (t) => {
      const { server, read, wanted, start } = await setUp(t);
      const { publisher, lead, warnings } = await start();
      wanted.push('shop');
      const term = await lead();
      await publisher.publish(source.at(1n));
      await until(t, () => read('shop') !== undefined);
      await term.end();
      const copy = server.read('v1', 'Secret', 'shop', name);
      const metadata = { ...objectAt(copy, 'metadata'), ...('metadata' in change ? change.metadata : {}) };
      const data = { ...objectAt(copy, 'data'), ...('data' in change ? change.data : {}) };
      const changed = { ...objectAt(copy), ...change, metadata, data };
      server.put(changed);
      wanted.length = 0;
      assert.deepEqual(await publisher.removeUnwanted('shop'), []);
      await lead();
      await until(t, () => warnings.some((text) => text.includes('stays')));
      assert.deepEqual(objectAt(read('shop'), 'data'), data);
    });
  }

  it('stands when it was wanted again while it was being removed', async (t) => {
    const { server, text, wanted, start } = await setUp(t);
    const { publisher, lead } = await start();
    wanted.push('shop');
    await lead();
    await publisher.publish(source.at(1n));
    await aWhile();
    let ensured: Promise<unknown> = Promise.resolve();
    server.interfere(({ verb }) => {
      if (verb === 'delete') {
        // Exactly between the decision to delete and the deletion.
        wanted.push('shop');
        ensured = publisher.ensureNamespace('shop');
      }
      return undefined;
    });
    wanted.length = 0;
    await publisher.removeUnwanted('shop');
    await ensured;
    await aWhile();
    assert.equal(text('shop', 'ca.crl'), source.at(1n).caCrl);
    assert.equal(objectAt(server.read('v1', 'Secret', 'shop', name), 'metadata').name, name);
  });

  for (const who of ['the leader', 'a request'] as const) {
    it(`is back at once when it was wanted again while ${who} removed it`, async (t) => {
      const { server, text, wanted, start } = await setUp(t);
      // It neither looks nor repairs by itself: only who removes it can know.
      const { publisher, lead } = await start({ times: { repairDelayMs: 3_600_000, wishesMs: 3_600_000 } });
      wanted.push('shop');
      const term = await lead();
      await publisher.publish(source.at(1n));
      if (who === 'a request') await term.end();
      let removals = 0;
      server.interfere(({ verb }) => {
        if (verb !== 'delete') return undefined;
        // Exactly between the decision to delete and the deletion.
        wanted.push('shop');
        removals += 1;
        return undefined;
      });
      // Until the leader has seen the copy that it is to remove.
      await aWhile();
      wanted.length = 0;
      if (who === 'a request') assert.deepEqual(await publisher.removeUnwanted('shop'), []);
      else await publisher.ensureNamespace('blog'); // has it ask the database anew
      await until(t, () => removals === 1 && text('shop', 'ca.crl') === source.at(1n).caCrl);
    });
  }

  it('is not removed while the database cannot say who wants it', async (t) => {
    const { database, read, wanted, start } = await setUp(t);
    const { publisher, lead } = await start();
    wanted.push('shop');
    await lead();
    await publisher.publish(source.at(1n));
    database.away = true;
    await assert.rejects(publisher.removeUnwanted('shop'), { code: 'database-unavailable' });
    assert.ok(read('shop'));
  });
});
