import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import { Fault } from '../../src/fault.ts';
import { connectKubernetes } from '../../src/kubernetes/connect.ts';
import { createPublisher, type PublisherOptions } from '../../src/publication/create-publisher.ts';
import type { Publisher } from '../../src/publication/publisher.ts';
import { objectAt, setAt } from '../support/kubernetes/json.ts';
import { type ApiServer, startApiServer } from '../support/kubernetes/server.ts';
import { createMaterialSource } from '../support/trust-material.ts';

const source = await createMaterialSource();
const name = 'internal-ca';

interface Setup {
  readonly server: ApiServer;
  readonly publisher: Publisher;
  /** The namespaces of enforced Ingresses; a test changes it. */
  readonly wanted: string[];
  /** Another process on the same cluster. */
  another(o?: Partial<PublisherOptions>): Promise<Publisher>;
}

async function setUp(t: TestContext, o: Partial<PublisherOptions> = {}): Promise<Setup> {
  const server = await startApiServer({ namespaces: ['internal-ca', 'shop', 'blog', 'extra'] });
  const directory = mkdtempSync(join(tmpdir(), 'internal-ca-publication-'));
  const path = join(directory, 'kubeconfig');
  writeFileSync(path, server.kubeconfig());
  const wanted: string[] = [];
  const ends: (() => unknown)[] = [];
  t.after(async () => {
    for (const end of ends) await end();
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });
  async function another(more: Partial<PublisherOptions> = {}): Promise<Publisher> {
    const kubernetes = await connectKubernetes({
      connection: { mode: 'kubeconfig', path },
      watchBackOff: { initialMs: 5, maxMs: 20 },
      requestTimeoutMs: 1000,
    });
    const publisher = createPublisher({
      kubernetes,
      secretName: name,
      namespaces: [],
      wantedNamespaces: async () => wanted,
      clock: { now: () => Date.UTC(2026, 10, 23) },
      log: { info: () => undefined, warn: () => undefined },
      retry: { initialMs: 5, maxMs: 20 },
      repairDelayMs: 5,
      ...o,
      ...more,
    });
    ends.push(
      () => publisher.close(),
      () => kubernetes.close(),
    );
    return publisher;
  }
  return { server, publisher: await another(), wanted, another };
}

const read = (server: ApiServer, namespace: string) => server.read('v1', 'Secret', namespace, name);
const text = (server: ApiServer, namespace: string, key: string) =>
  Buffer.from(String(objectAt(read(server, namespace), 'data')[key] ?? ''), 'base64').toString();
const errorOf = async (publisher: Publisher, namespace: string) =>
  (await publisher.status()).find(({ target }) => target === `secret:${namespace}/${name}`)?.error;

/** Waits for what happens by itself; the test's timeout ends a vain wait. */
async function until(t: TestContext, condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await pause(5, undefined, { signal: t.signal });
}

describe('the published Secret', { timeout: 20_000 }, () => {
  it('is Opaque with exactly ca.crt and ca.crl, labelled, in our, the configured and the wanted namespaces', async (t) => {
    const { server, publisher, wanted } = await setUp(t, { namespaces: ['extra'] });
    wanted.push('shop');
    const material = source.at(7n);
    await publisher.publish(material);
    for (const namespace of ['internal-ca', 'extra', 'shop']) {
      const secret = read(server, namespace);
      assert.equal(secret?.type, 'Opaque');
      assert.deepEqual(Object.keys(objectAt(secret, 'data')).sort(), ['ca.crl', 'ca.crt']);
      assert.equal(text(server, namespace, 'ca.crt'), material.caCrt);
      assert.equal(text(server, namespace, 'ca.crl'), material.caCrl);
      const labels = { 'app.kubernetes.io/managed-by': 'internal-ca', 'internal-ca.io/copy': 'true' };
      assert.deepEqual(objectAt(secret, 'metadata', 'labels'), labels);
    }
    assert.equal(read(server, 'blog'), undefined);
    const shop = (await publisher.status()).find(({ target }) => target === 'secret:shop/internal-ca');
    assert.deepEqual(shop, {
      target: 'secret:shop/internal-ca',
      state: 'Current',
      why: [],
      crlNumber: '7',
      caFingerprints: material.caFingerprints,
      writtenAt: new Date('2026-11-23'),
      sizeBytes: material.caCrt.length + material.caCrl.length,
      limitBytes: 1048576,
    });
  });

  it('changes both keys in one write, and costs no write when nothing changed', async (t) => {
    const { server, publisher } = await setUp(t);
    await publisher.publish(source.at(1n));
    const writes = () => server.calls.filter(({ verb }) => verb === 'patch').length;
    assert.equal(writes(), 1);
    await publisher.publish(source.at(1n));
    assert.equal(writes(), 1);
    await publisher.publish(source.at(2n));
    assert.equal(writes(), 2);
  });

  it('never takes revocations back: an older CRL of the same CAs is not written', async (t) => {
    const { server, publisher, another } = await setUp(t);
    await publisher.publish(source.at(12n));
    const slow = await another();
    await slow.publish(source.at(9n));
    assert.equal(text(server, 'internal-ca', 'ca.crl'), source.at(12n).caCrl);
    assert.equal((await slow.status())[0]?.crlNumber, '12');
    assert.equal((await slow.status())[0]?.error, undefined);
    // The same within one process, when a slow caller comes late.
    await publisher.publish(source.at(11n));
    assert.equal(text(server, 'internal-ca', 'ca.crl'), source.at(12n).caCrl);
  });

  it('two processes that write at once end with the newer CRL', async (t) => {
    const { server, publisher, another } = await setUp(t);
    const other = await another();
    for (let round = 1n; round < 20n; round += 2n) {
      await Promise.all([publisher.publish(source.at(round)), other.publish(source.at(round + 1n))]);
      assert.equal(text(server, 'internal-ca', 'ca.crl'), source.at(round + 1n).caCrl);
    }
  });

  it('another CA starts at any CRL number', async (t) => {
    const { server, publisher, another } = await setUp(t);
    await publisher.publish(source.at(5000n));
    await publisher.close();
    const rebuilt = (await createMaterialSource('CN=rebuilt')).at(1n);
    await (await another()).publish(rebuilt);
    assert.equal(text(server, 'internal-ca', 'ca.crt'), rebuilt.caCrt);
  });

  it("leaves somebody else's Secret alone, and takes over when it is gone", async (t) => {
    const { server, publisher } = await setUp(t);
    const theirs = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace: 'shop' },
      data: { 'ca.crt': 'dGhlaXJz' },
    };
    for (const labels of [
      {},
      { 'app.kubernetes.io/managed-by': 'Helm' },
      { 'app.kubernetes.io/managed-by': 'internal-ca' },
    ]) {
      server.put({ ...theirs, metadata: { ...theirs.metadata, labels } });
      await publisher.publish(source.at(1n));
      await assert.rejects(publisher.ensureNamespace('shop'), { code: 'publication-refused' });
      assert.equal(text(server, 'shop', 'ca.crt'), 'theirs');
    }
    server.remove('v1', 'Secret', 'shop', name);
    const copy = await publisher.ensureNamespace('shop');
    assert.equal(copy.error, undefined);
    assert.equal(text(server, 'shop', 'ca.crt'), source.at(1n).caCrt);
  });

  it('removes keys that others added: beside tls.key the controllers would do something else', async (t) => {
    const { server, publisher } = await setUp(t);
    await publisher.publish(source.at(1n));
    const edited = read(server, 'internal-ca') ?? {};
    setAt(edited, ['data', 'tls.key'], 'eA==');
    server.put(edited, 'kubectl-edit');
    await publisher.publish(source.at(2n));
    await until(t, () => Object.keys(objectAt(read(server, 'internal-ca'), 'data')).length === 2);
    assert.equal(text(server, 'internal-ca', 'ca.crl'), source.at(2n).caCrl);
  });

  it('past 1 MiB keeps the last good copy and says so, and goes on when it fits again', async (t) => {
    const { server, publisher } = await setUp(t);
    const good = source.at(1n);
    await publisher.publish(good);
    await publisher.publish(source.at(2n, { crlBytes: 1_100_000 }));
    assert.equal(text(server, 'internal-ca', 'ca.crl'), good.caCrl);
    assert.match(
      (await errorOf(publisher, 'internal-ca')) ?? '',
      /take 11\d{5} bytes and a Secret holds 1048576/,
    );
    assert.equal((await publisher.status())[0]?.crlNumber, '1');
    await publisher.publish(source.at(3n, { crlBytes: 1_000_000 }));
    assert.equal(text(server, 'internal-ca', 'ca.crl'), source.at(3n, { crlBytes: 1_000_000 }).caCrl);
    assert.equal(await errorOf(publisher, 'internal-ca'), undefined);
  });

  it('never holds a key', async (t) => {
    const { server, publisher } = await setUp(t);
    const material = source.at(1n);
    const key = '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n';
    for (const wrong of [
      { ...material, caCrt: material.caCrt + key },
      { ...material, caCrl: key + material.caCrl },
      { ...material, caCrt: key },
      { ...material, caCrt: material.caCrt + key.replaceAll('PRIVATE KEY', 'CERTIFICATE') },
      { ...material, caCrt: `${material.caCrt}key: MC4CAQAwBQYDK2VwBCIEIA==` },
      { ...material, caCrl: '' },
      { ...material, caCrt: material.caCrl, caCrl: material.caCrt },
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
});

describe('publication heals', { timeout: 20_000 }, () => {
  it('keeps the wish while the API server is away, and writes the newest when it is back', async (t) => {
    const { server, publisher, wanted } = await setUp(t);
    await publisher.publish(source.at(1n));
    wanted.push('shop');
    await server.stop();
    await publisher.publish(source.at(2n));
    await publisher.publish(source.at(3n));
    assert.match((await errorOf(publisher, 'shop')) ?? '', /did not answer/);
    assert.equal((await publisher.status())[0]?.crlNumber, '1');
    await server.start();
    await until(
      t,
      async () =>
        (await errorOf(publisher, 'shop')) === undefined &&
        (await errorOf(publisher, 'internal-ca')) === undefined,
    );
    for (const namespace of ['internal-ca', 'shop']) {
      assert.equal(text(server, namespace, 'ca.crl'), source.at(3n).caCrl);
    }
  });

  it('writes again what was edited or deleted, whatever was done to its annotations', async (t) => {
    const { server, publisher } = await setUp(t);
    const { caCrl } = source.at(1n);
    await publisher.publish(source.at(1n));
    for (const [path, value] of [
      [['data', 'ca.crl'], ''],
      [['metadata', 'annotations', 'internal-ca.io/crl-number'], '999999999'],
      [['data', 'tls.key'], 'eA=='],
    ] as const) {
      const edited = read(server, 'internal-ca') ?? {};
      setAt(edited, path, value);
      server.put(edited, 'kubectl-edit');
      await until(
        t,
        () =>
          objectAt(read(server, 'internal-ca'), 'metadata', 'annotations')['internal-ca.io/crl-number'] ===
            '1' &&
          text(server, 'internal-ca', 'ca.crl') === caCrl &&
          Object.keys(objectAt(read(server, 'internal-ca'), 'data')).length === 2,
      );
    }
    server.remove('v1', 'Secret', 'internal-ca', name);
    await until(t, () => text(server, 'internal-ca', 'ca.crl') === caCrl);
  });

  it('a namespace that fails does not hold up the others', async (t) => {
    const { server, publisher, wanted } = await setUp(t);
    wanted.push('no-such-namespace', 'shop');
    server.interfere(({ namespace }) => (namespace === 'internal-ca' ? { status: 403 } : undefined));
    await publisher.publish(source.at(1n));
    assert.equal(text(server, 'shop', 'ca.crl'), source.at(1n).caCrl);
    assert.match((await errorOf(publisher, 'internal-ca')) ?? '', /Not allowed/);
    assert.match((await errorOf(publisher, 'no-such-namespace')) ?? '', /no namespace no-such-namespace/);
    server.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'no-such-namespace' } });
    await until(t, async () => (await errorOf(publisher, 'no-such-namespace')) === undefined);
  });

  it('goes on with the namespaces that it knows while the database is away', async (t) => {
    let away = false;
    const { server, publisher } = await setUp(t, {
      wantedNamespaces: async () => {
        if (away) throw new Fault('database-unavailable', 'no connection');
        return ['shop'];
      },
    });
    await publisher.publish(source.at(1n));
    away = true;
    await publisher.publish(source.at(2n));
    assert.equal(text(server, 'shop', 'ca.crl'), source.at(2n).caCrl);
  });
});

describe('the copy of an enforced namespace', { timeout: 20_000 }, () => {
  it("is written before ensureNamespace returns, and a failure is the caller's", async (t) => {
    const { server, publisher } = await setUp(t);
    await assert.rejects(publisher.ensureNamespace('shop'), { code: 'key-unavailable' });
    await publisher.publish(source.at(4n));
    const copy = await publisher.ensureNamespace('shop');
    assert.equal(copy.crlNumber, '4');
    assert.equal(text(server, 'shop', 'ca.crl'), source.at(4n).caCrl);
    await assert.rejects(publisher.ensureNamespace('no-such'), { code: 'namespace-not-found' });
    assert.equal(await errorOf(publisher, 'no-such'), undefined);
    await server.stop();
    await assert.rejects(publisher.ensureNamespace('blog'), { code: 'kubernetes-unavailable' });
  });

  it('goes with the last Ingress of its namespace, unless it is ours, configured or foreign', async (t) => {
    const { server, publisher, wanted } = await setUp(t, { namespaces: ['extra'] });
    wanted.push('shop', 'blog');
    await publisher.publish(source.at(1n));
    wanted.splice(wanted.indexOf('shop'), 1);
    assert.deepEqual(await publisher.removeUnwanted('blog'), []);
    assert.ok(read(server, 'shop'));
    assert.deepEqual(await publisher.removeUnwanted('shop'), ['secret:shop/internal-ca']);
    assert.equal(read(server, 'shop'), undefined);
    for (const namespace of ['internal-ca', 'extra', 'blog']) assert.ok(read(server, namespace));
    assert.deepEqual((await publisher.status()).map(({ target }) => target).sort(), [
      'secret:blog/internal-ca',
      'secret:extra/internal-ca',
      'secret:internal-ca/internal-ca',
    ]);
    server.put({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'shop' }, data: {} });
    assert.deepEqual(await publisher.removeUnwanted(), []);
    assert.ok(read(server, 'shop'));
  });

  it('does not come back through another process that still knew it', async (t) => {
    const { server, publisher, wanted, another } = await setUp(t);
    const other = await another();
    wanted.push('shop');
    await publisher.publish(source.at(1n));
    await other.publish(source.at(1n));
    wanted.length = 0;
    await publisher.removeUnwanted();
    await until(t, async () => (await other.status()).every(({ target }) => !target.includes('shop')));
    assert.equal(read(server, 'shop'), undefined);
  });

  it('stands when it was wanted again while it was being removed', async (t) => {
    const { server, publisher, wanted } = await setUp(t);
    wanted.push('shop');
    await publisher.publish(source.at(1n));
    wanted.length = 0;
    let ensured: Promise<unknown> = Promise.resolve();
    server.interfere(({ verb }) => {
      if (verb === 'delete') {
        // Exactly between the decision to delete and the deletion.
        wanted.push('shop');
        ensured = publisher.ensureNamespace('shop');
      }
      return undefined;
    });
    await publisher.removeUnwanted();
    await ensured;
    await turn();
    assert.equal(text(server, 'shop', 'ca.crl'), source.at(1n).caCrl);
  });

  it('needs Kubernetes', async () => {
    const publisher = createPublisher({
      secretName: name,
      namespaces: ['extra'],
      wantedNamespaces: async () => [],
      clock: { now: () => 0 },
      log: { info: () => undefined, warn: () => undefined },
    });
    await publisher.publish(source.at(1n));
    await assert.rejects(publisher.ensureNamespace('shop'), { code: 'kubernetes-off' });
    assert.deepEqual(await publisher.removeUnwanted(), []);
    assert.deepEqual(await publisher.status(), []);
    await publisher.close();
  });
});
