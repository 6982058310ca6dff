import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Secret } from '../../src/kubernetes/client.ts';
import { connectKubernetes } from '../../src/kubernetes/connect.ts';
import { createInformer, type InformerOptions } from '../../src/reconcile/informer.ts';
import { setAt } from '../support/kubernetes/json.ts';
import { startApiServer } from '../support/kubernetes/server.ts';

async function setUp(t: TestContext) {
  const server = await startApiServer({ namespaces: ['shop', 'blog', 'extra'] });
  const directory = mkdtempSync(join(tmpdir(), 'internal-ca-informer-'));
  const path = join(directory, 'kubeconfig');
  writeFileSync(path, server.kubeconfig());
  const api = await connectKubernetes({
    connection: { mode: 'kubeconfig', path },
    watchBackOff: { initialMs: 5, maxMs: 20 },
  });
  const ends: (() => void)[] = [];
  t.after(async () => {
    for (const end of ends) end();
    api.close();
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });
  const changes: [string, string | undefined][] = [];
  const errors: unknown[] = [];
  function start(o: Partial<InformerOptions<'secrets'>> = {}) {
    const informer = createInformer({
      api,
      resource: 'secrets',
      onChange: (key, secret: Secret | undefined) => changes.push([key, secret && contentOf(secret)]),
      onError: (error) => errors.push(error),
      ...o,
    });
    ends.push(() => informer.close());
    return informer;
  }
  function put(namespace: string, name: string, value: string): void {
    const present = server.read('v1', 'Secret', namespace, name) ?? {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace },
    };
    setAt(present, ['data', 'value'], Buffer.from(value).toString('base64'));
    server.put(present);
  }
  return { server, start, put, changes, errors };
}

const contentOf = (secret: Secret) => Buffer.from(secret.data?.value ?? '', 'base64').toString();

/** Waits for what happens by itself; the test's timeout ends a vain wait. */
async function until(t: TestContext, condition: () => boolean): Promise<void> {
  while (!condition()) await pause(2, undefined, { signal: t.signal });
}

describe('the informer', { timeout: 20_000 }, () => {
  it('has everything once it has synced, and follows what is made, changed and deleted', async (t) => {
    const { server, start, put, changes } = await setUp(t);
    put('shop', 'a', '1');
    put('blog', 'b', '1');
    const informer = start();
    assert.equal(informer.complete, false);
    await informer.synced;
    assert.equal(informer.complete, true);
    assert.deepEqual(informer.list().map(contentOf), ['1', '1']);
    assert.equal(informer.get('shop/a')?.metadata.name, 'a');
    assert.equal(informer.get('shop/b'), undefined);
    put('shop', 'a', '2');
    put('shop', 'c', '1');
    server.remove('v1', 'Secret', 'blog', 'b');
    await until(t, () => changes.length === 5);
    assert.deepEqual(changes.slice(2), [
      ['shop/a', '2'],
      ['shop/c', '1'],
      ['blog/b', undefined],
    ]);
    const a = informer.get('shop/a');
    assert.equal(a && contentOf(a), '2');
    assert.equal(informer.get('blog/b'), undefined);
    assert.equal(informer.list().length, 2);
  });

  it('knows the whole before it tells of any part: who is told may ask at once', async (t) => {
    const { start, put } = await setUp(t);
    put('shop', 'a', '1');
    put('blog', 'b', '1');
    const seen: [boolean, number][] = [];
    const informer = start({ onChange: () => seen.push([informer.complete, informer.list().length]) });
    await informer.synced;
    assert.deepEqual(seen, [
      [true, 2],
      [true, 2],
    ]);
  });

  it('tells what happened while it could not see, and nothing of what stayed as it was', async (t) => {
    const { server, start, put, changes, errors } = await setUp(t);
    put('shop', 'same', '1');
    put('shop', 'edited', '1');
    put('shop', 'deleted', '1');
    const informer = start();
    await informer.synced;
    await server.stop();
    changes.length = 0;
    put('shop', 'edited', '2');
    put('shop', 'made', '1');
    server.remove('v1', 'Secret', 'shop', 'deleted');
    await until(t, () => errors.length > 0);
    // Without the history, only a new list helps: the harder way.
    server.compact();
    await server.start();
    await until(t, () => changes.length >= 3);
    await pause(50);
    assert.deepEqual(changes.sort(), [
      ['shop/deleted', undefined],
      ['shop/edited', '2'],
      ['shop/made', '1'],
    ]);
    assert.equal(informer.get('shop/deleted'), undefined);
    assert.equal(new Set(errors.map(String)).size, errors.length, 'each cause of an outage is told once');
  });

  it('sees only the namespaces that it was given, and has synced when all of them are seen', async (t) => {
    const { server, start, put, changes } = await setUp(t);
    put('shop', 'a', '1');
    put('blog', 'a', '1');
    put('extra', 'a', '1');
    let forbidden = true;
    server.interfere(({ namespace }) => (forbidden && namespace === 'blog' ? { status: 403 } : undefined));
    const informer = start({ namespaces: ['shop', 'blog', 'shop'] });
    await until(t, () => changes.length === 1);
    await pause(30);
    assert.equal(informer.complete, false);
    forbidden = false;
    await informer.synced;
    assert.deepEqual(
      informer
        .list()
        .map(({ metadata }) => metadata.namespace)
        .sort(),
      ['blog', 'shop'],
    );
    assert.ok(server.calls.every(({ namespace }) => namespace === 'shop' || namespace === 'blog'));
  });

  it('leaves the values of Secrets where they are, when asked', async (t) => {
    const { start, put } = await setUp(t);
    put('shop', 'a', 'secret');
    put('shop', 'b', 'secret');
    const informer = start({ scope: { metadataOnly: true, name: 'a' } });
    await informer.synced;
    assert.deepEqual(
      informer.list().map(({ metadata, data }) => [metadata.name, data]),
      [['a', undefined]],
    );
  });

  it('tells of one object that cannot be taken in, and goes on with the others', async (t) => {
    const { server, start, put, changes, errors } = await setUp(t);
    for (const name of ['a', 'b', 'c']) put('shop', name, '1');
    const informer = start({
      onChange(key, secret) {
        if (key === 'shop/b') throw new TypeError('no such member');
        changes.push([key, secret && contentOf(secret)]);
      },
    });
    await informer.synced;
    put('shop', 'b', '2');
    put('shop', 'c', '2');
    await until(t, () => changes.some(([key, value]) => key === 'shop/c' && value === '2'));
    assert.deepEqual(
      changes.map(([key]) => key),
      ['shop/a', 'shop/c', 'shop/c'],
    );
    assert.equal(errors.length, 2);
    assert.equal(server.calls.filter(({ verb }) => verb === 'list').length, 1);
  });

  it('hands everything on again from time to time', async (t) => {
    const { start, put, changes } = await setUp(t);
    put('shop', 'a', '1');
    start({ resyncMs: 10 });
    await until(t, () => changes.length >= 4);
    assert.ok(changes.every(([key, value]) => key === 'shop/a' && value === '1'));
  });

  it('closed before it has seen anything, it does not let anybody wait for ever', async (t) => {
    const { server, start } = await setUp(t);
    await server.stop();
    const informer = start();
    const waiting = assert.rejects(informer.synced, { code: 'draining' });
    informer.close();
    await waiting;
    assert.deepEqual(await start({ namespaces: [] }).synced, undefined);
  });
});
