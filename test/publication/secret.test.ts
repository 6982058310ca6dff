import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Fault } from '../../src/fault.ts';
import { createPublisher } from '../../src/publication/create-publisher.ts';
import { objectAt } from '../support/kubernetes/json.ts';
import { createMaterialSource, withCrl } from '../support/trust-material.ts';
import { aWhile, name, setUp, until } from './harness.ts';

const source = await createMaterialSource();
const own = 'secret:internal-ca/internal-ca';

describe('the published Secret', { timeout: 20_000 }, () => {
  it('is Opaque with exactly ca.crt and ca.crl, labelled, in our, the configured and the wanted namespaces', async (t) => {
    const { read, text, annotation, wanted, start } = await setUp(t);
    const { publisher, lead, state } = await start({ cluster: { namespaces: ['extra'] } });
    wanted.push('shop');
    await lead(41n);
    const material = source.at(7n);
    await publisher.publish(material);
    for (const namespace of ['internal-ca', 'extra', 'shop']) {
      const secret = read(namespace);
      assert.equal(secret?.type, 'Opaque');
      assert.deepEqual(Object.keys(objectAt(secret, 'data')).sort(), ['ca.crl', 'ca.crt']);
      assert.equal(text(namespace, 'ca.crt'), material.caCrt);
      assert.equal(text(namespace, 'ca.crl'), material.caCrl);
      const labels = { 'app.kubernetes.io/managed-by': 'internal-ca', 'internal-ca.io/copy': 'true' };
      assert.deepEqual(objectAt(secret, 'metadata', 'labels'), labels);
      assert.equal(annotation(namespace, 'internal-ca.io/epoch'), '41');
    }
    assert.equal(read('blog'), undefined);
    assert.deepEqual(await state('secret:shop/internal-ca'), {
      target: 'secret:shop/internal-ca',
      state: 'Current',
      why: ['enforced'],
      crlNumber: '7',
      crlForm: 'full',
      caFingerprints: material.caFingerprints,
      writtenAt: new Date('2026-11-23'),
      sizeBytes: material.caCrt.length + material.caCrl.length,
      limitBytes: 1048576,
    });
    assert.deepEqual((await state('secret:extra/internal-ca'))?.why, ['configured']);
    assert.deepEqual((await state(own))?.why, ['own']);
  });

  it('changes both keys in one write, and costs no write when nothing changed', async (t) => {
    const { server, start } = await setUp(t);
    const { publisher, lead } = await start();
    await lead();
    await publisher.publish(source.at(1n));
    const writes = () => server.calls.filter(({ verb }) => verb === 'patch').length;
    assert.equal(writes(), 1);
    await publisher.publish(source.at(1n));
    assert.equal(writes(), 1);
    await publisher.publish(source.at(2n));
    assert.equal(writes(), 2);
  });

  it('is not read again for our own writes: it may be 1 MiB in each of many namespaces', async (t) => {
    const { server, start } = await setUp(t);
    const { publisher, lead } = await start({ cluster: { namespaces: ['shop', 'blog', 'extra'] } });
    await lead();
    await publisher.publish(source.at(1n));
    await aWhile();
    const reads = () => server.calls.filter(({ verb }) => verb === 'get').length;
    const before = reads();
    await publisher.publish(source.at(2n));
    await aWhile();
    assert.equal(reads() - before, 4);
  });

  it('never takes revocations back: an older CRL of the same CAs is not written', async (t) => {
    const { server, text, start } = await setUp(t);
    const first = await start();
    const term = await first.lead();
    await first.publisher.publish(source.at(12n));
    // Within one process, when a slow caller comes late; also where there is nothing to compare with.
    await first.publisher.publish(source.at(11n));
    assert.equal(text('internal-ca', 'ca.crl'), source.at(12n).caCrl);
    server.remove('v1', 'Secret', 'internal-ca', name);
    await until(t, () => text('internal-ca', 'ca.crl') === source.at(12n).caCrl);
    await term.end();
    const slow = await start();
    await slow.lead();
    await slow.publisher.publish(source.at(9n));
    assert.equal(text('internal-ca', 'ca.crl'), source.at(12n).caCrl);
    const { crlNumber, error } = (await slow.state(own)) ?? {};
    assert.deepEqual({ crlNumber, error }, { crlNumber: '12', error: undefined });
  });

  it('another CA starts at any CRL number', async (t) => {
    const { text, start } = await setUp(t);
    const before = await start();
    const term = await before.lead();
    await before.publisher.publish(source.at(5000n));
    await term.end();
    const rebuilt = (await createMaterialSource('CN=rebuilt')).at(1n);
    const after = await start();
    await after.lead();
    await after.publisher.publish(rebuilt);
    assert.equal(text('internal-ca', 'ca.crt'), rebuilt.caCrt);
  });

  it('tells of a copy that a call made, once, on whichever replica that is', async (t) => {
    const { wanted, start } = await setUp(t);
    const follower = await start();
    await follower.publisher.publish(source.at(1n));
    wanted.push('shop');
    await follower.publisher.ensureNamespace('shop');
    await follower.publisher.ensureNamespace('shop');
    const leader = await start();
    await leader.lead();
    await leader.publisher.publish(source.at(1n));
    await until(t, async () => (await leader.state('secret:shop/internal-ca'))?.state === 'Current');
    const told = [...follower.events, ...leader.events].filter(({ on }) => on === 'Secret shop/internal-ca');
    assert.deepEqual(
      told.map(({ event }) => event.reason),
      ['Published'],
    );
  });

  it("leaves somebody else's Secret alone and says why, and takes over when it is gone", async (t) => {
    const { server, text, wanted, start } = await setUp(t);
    const { publisher, lead, state, events } = await start();
    wanted.push('shop');
    const theirs = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace: 'shop' },
      data: { 'ca.crt': 'dGhlaXJz' },
    };
    server.put(theirs);
    await lead();
    for (const labels of [
      {},
      { 'app.kubernetes.io/managed-by': 'Helm' },
      { 'app.kubernetes.io/managed-by': 'internal-ca' },
    ]) {
      server.put({ ...theirs, metadata: { ...theirs.metadata, labels } });
      await publisher.publish(source.at(1n));
      await assert.rejects(publisher.ensureNamespace('shop'), { code: 'publication-refused' });
      assert.equal(text('shop', 'ca.crt'), 'theirs');
      const { state: is, error } = (await state('secret:shop/internal-ca')) ?? {};
      assert.equal(is, 'Failed');
      assert.match(error ?? '', /not ours .*internal-ca\.io\/copy=true.* left alone/);
    }
    assert.deepEqual(
      events.filter(({ on }) => on === 'Secret shop/internal-ca').map(({ event }) => event.reason),
      ['ForeignSecret'],
      'told once, however often it is tried',
    );
    server.remove('v1', 'Secret', 'shop', name);
    await until(t, async () => (await state('secret:shop/internal-ca'))?.state === 'Current');
    assert.equal(text('shop', 'ca.crt'), source.at(1n).caCrt);
  });

  it('removes keys that others added: beside tls.key the controllers would do something else', async (t) => {
    const { read, text, edit, start } = await setUp(t);
    const { publisher, lead } = await start();
    await lead();
    await publisher.publish(source.at(1n));
    edit('internal-ca', ['data', 'tls.key'], 'eA==');
    await publisher.publish(source.at(2n));
    await until(t, () => Object.keys(objectAt(read('internal-ca'), 'data')).length === 2);
    assert.equal(text('internal-ca', 'ca.crl'), source.at(2n).caCrl);
  });

  it('past 1 MiB keeps the last good copy and says so, and goes on when it fits again', async (t) => {
    const { text, start } = await setUp(t);
    const { publisher, lead, state } = await start();
    await lead();
    const good = source.at(1n);
    await publisher.publish(good);
    await publisher.publish(source.at(2n, { crlBytes: 1_100_000 }));
    assert.equal(text('internal-ca', 'ca.crl'), good.caCrl);
    const { state: is, error, crlNumber } = (await state(own)) ?? {};
    assert.match(error ?? '', /takes 11\d{5} bytes and such an object holds 1048576/);
    assert.deepEqual([is, crlNumber], ['Failed', '1']);
    await publisher.publish(source.at(3n, { crlBytes: 1_000_000 }));
    assert.equal(text('internal-ca', 'ca.crl'), source.at(3n, { crlBytes: 1_000_000 }).caCrl);
    assert.equal((await state(own))?.state, 'Current');
  });

  it('never holds a key', async (t) => {
    const { server, start } = await setUp(t);
    const { publisher } = await start();
    const material = source.at(1n);
    const key = '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n';
    for (const wrong of [
      { ...material, caCrt: material.caCrt + key },
      withCrl(material, key + material.caCrl),
      { ...material, caCrt: key },
      { ...material, caCrt: material.caCrt + key.replaceAll('PRIVATE KEY', 'CERTIFICATE') },
      { ...material, caCrt: `${material.caCrt}key: MC4CAQAwBQYDK2VwBCIEIA==` },
      withCrl(material, ''),
      withCrl({ ...material, caCrt: material.caCrl }, material.caCrt),
    ]) {
      await assert.rejects(publisher.publish(wrong), (error) => {
        assert.ok(error instanceof Fault);
        assert.equal(error.code, 'internal');
        assert.doesNotMatch(error.message, /MC4C/);
        return true;
      });
    }
    assert.equal(server.calls.length, 0);
  });

  it('needs Kubernetes', async () => {
    const alone = createPublisher({
      secretName: name,
      clock: { now: () => 0 },
      log: { info: () => undefined, warn: () => undefined },
    });
    await alone.publish(source.at(1n));
    await assert.rejects(alone.ensureNamespace('shop'), { code: 'kubernetes-off' });
    assert.deepEqual(await alone.removeUnwanted('shop'), []);
    assert.deepEqual(await alone.status(), []);
    await alone.close();
  });
});
