import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { watchInTest } from '../support/kubernetes/watched.ts';
import { secret, setUp } from './stand-in-client.ts';

describe('a watch', { timeout: 60_000 }, () => {
  it('reports an outage and goes on by itself, without losing what happened after', async (t) => {
    const { server, api } = await setUp(t);
    const watched = watchInTest(api, 'secrets', { namespace: 'internal-ca' });
    await watched.until('list:');
    await server.stop();
    await watched.until('error:kubernetes-unavailable');
    server.put({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'meanwhile', namespace: 'internal-ca' },
    });
    await server.start();
    await watched.until('ADDED:meanwhile');
    assert.equal(watched.seen.filter((entry) => entry.startsWith('list')).length, 1);
  });

  it('lists again when the history is gone (410)', async (t) => {
    const { server, api } = await setUp(t, { server: { bookmarkIntervalMs: 60_000 } });
    const watched = watchInTest(api, 'secrets', { namespace: 'internal-ca' });
    await watched.until('list:');
    await server.stop();
    server.put({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'forgotten', namespace: 'internal-ca' },
    });
    server.compact();
    await server.start();
    await watched.until('list:forgotten');
    await api.applySecret(secret('after'));
    await watched.until('ADDED:after');
  });

  it('stands on bookmarks: what others changed moves it on, so that compaction costs no new list', async (t) => {
    const { server, api } = await setUp(t, {
      client: { watchTimeoutSeconds: 1 },
      server: { bookmarkIntervalMs: 10 },
    });
    const versions: number[] = [];
    server.interfere((call) => {
      if (call.verb === 'watch') versions.push(Number(call.query.get('resourceVersion')));
      return undefined;
    });
    const watched = watchInTest(api, 'secrets', { namespace: 'internal-ca', labelSelector: 'mine=yes' });
    await watched.until('list:');
    const { metadata } = await api.applySecret(secret('not-mine'));
    // The server ends the first watch after a second; no event of ours has come by then.
    while (!versions.some((version) => version >= Number(metadata.resourceVersion))) {
      await pause(10, undefined, { signal: t.signal });
    }
    assert.deepEqual(watched.seen, ['list:']);
  });

  it('does not hammer a server that refuses it', async (t) => {
    const { server, api } = await setUp(t, {
      client: { watchBackOff: { initialMs: 50, maxMs: 10_000, random: () => 0 } },
    });
    server.interfere(() => ({ status: 403 }));
    const watched = watchInTest(api, 'secrets', { namespace: 'internal-ca' });
    for (let i = 0; i < 3; i += 1) await watched.until('error:kubernetes-forbidden');
    watched.close();
    assert.equal(server.calls.length, 3);
  });

  it('goes on after 410, 429 and 500 at its start, with the words of the answer, and lists only after 410', async (t) => {
    const { server, api } = await setUp(t);
    for (const [status, entries] of [
      [429, ['error:kubernetes-unavailable', 'ADDED:s']],
      [500, ['error:kubernetes-unavailable', 'ADDED:s']],
      [410, ['list:s', 'MODIFIED:s']],
    ] as const) {
      const namespace = `after-${status}`;
      server.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
      let refused = 0;
      server.interfere((call) => {
        if (call.verb !== 'watch' || refused > 0) return undefined;
        refused += 1;
        // What the watch would have brought had it not been refused.
        server.put({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace } });
        return { status, body: { kind: 'Status', message: 'not just now', code: status } };
      });
      const watched = watchInTest(api, 'secrets', { namespace });
      await watched.until('list:');
      const [first, second] = entries;
      await watched.until(first);
      if (status === 410)
        server.put({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace } });
      await watched.until(second);
      watched.close();
      assert.deepEqual(watched.seen, ['list:', ...entries]);
    }
  });

  it('rests as long as the API server asks for, when it is refused and when its list is', async (t) => {
    const { server, api } = await setUp(t);
    for (const verb of ['list', 'watch']) {
      // By namespace: what is asked for, and how often there was a request.
      const retryAfter = new Map([
        [`${verb}-long`, '60'],
        [`${verb}-short`, '1'],
        [`${verb}-none`, undefined],
      ]);
      const asked = new Map<string, number>();
      const times = (which: string): number => asked.get(`${verb}-${which}`) ?? 0;
      server.interfere(({ verb: called, namespace = '' }) => {
        if (called !== verb || !retryAfter.has(namespace)) return undefined;
        asked.set(namespace, (asked.get(namespace) ?? 0) + 1);
        const seconds = retryAfter.get(namespace);
        return { status: 429, ...(seconds === undefined ? {} : { headers: { 'Retry-After': seconds } }) };
      });
      const watches = [...retryAfter.keys()].map((namespace) => {
        server.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
        return watchInTest(api, 'secrets', { namespace });
      });
      // Meanwhile, who is asked for nothing has tried again and again.
      while (times('short') < 2) await pause(10, undefined, { signal: t.signal });
      for (const watch of watches) watch.close();
      assert.equal(times('long'), 1);
      assert.ok(times('none') > times('short'), `${times('none')} times`);
    }
  });

  it('whose list does not come in time reports it, and lists again', async (t) => {
    const { server, api } = await setUp(t, { client: { requestTimeoutMs: 200 } });
    server.interfere((call) => (call.verb === 'list' ? 'hang' : undefined));
    const watched = watchInTest(api, 'secrets', { namespace: 'internal-ca' });
    await watched.until('error:kubernetes-unavailable');
    server.interfere(undefined);
    await watched.until('list:');
    await api.applySecret(secret('a'));
    await watched.until('ADDED:a');
  });

  it('goes on after a connection that broke in the middle, and after a line that is no event', async (t) => {
    const { server, api } = await setUp(t);
    const watched = watchInTest(api, 'secrets', { namespace: 'internal-ca' });
    await watched.until('list:');
    await api.applySecret(secret('a'));
    await watched.until('ADDED:a');
    server.dropConnections();
    await api.applySecret(secret('b'));
    await watched.until('ADDED:b');
    let garbled = 0;
    server.interfere((call) => {
      if (call.verb !== 'watch' || garbled > 0) return undefined;
      garbled += 1;
      return { status: 200, body: { neither: 'type', nor: 'object' } };
    });
    server.dropConnections();
    while (garbled === 0) await pause(10, undefined, { signal: t.signal });
    await api.applySecret(secret('c'));
    await watched.until('ADDED:c');
    assert.equal(watched.seen.filter((entry) => entry.startsWith('list')).length, 1);
  });

  it('says nothing more once it is closed', async (t) => {
    const { api } = await setUp(t);
    const watched = watchInTest(api, 'secrets', { namespace: 'internal-ca' });
    const other = watchInTest(api, 'secrets', { namespace: 'internal-ca' });
    await Promise.all([watched.until('list:'), other.until('list:')]);
    watched.close();
    await api.applySecret(secret('a'));
    await other.until('ADDED:a');
    assert.deepEqual(watched.seen, ['list:']);
  });
});

describe('lists', () => {
  it('come in pages, all of one moment', async (t) => {
    const { server, api } = await setUp(t);
    for (let i = 0; i < 501; i += 1) {
      const metadata = { name: `i${i}`, namespace: 'default' };
      server.put({ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata });
    }
    assert.equal((await api.listIngresses()).length, 501);
    assert.equal(server.calls.filter(({ verb }) => verb === 'list').length, 2);
  });

  it('begin again, in one piece, when the moment of their first page is forgotten (410)', async (t) => {
    const { server, api } = await setUp(t);
    for (let i = 0; i < 501; i += 1) {
      const metadata = { name: `i${i}`, namespace: 'default' };
      server.put({ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata });
    }
    server.interfere((call) => {
      if (call.query.get('continue') === null) return undefined;
      const metadata = { name: 'late', namespace: 'default' };
      server.put({ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata });
      server.compact();
      return undefined;
    });
    const names = (await api.listIngresses()).map(({ metadata }) => metadata.name);
    assert.equal(new Set(names).size, names.length);
    assert.equal(names.length, 502);
    assert.deepEqual(
      server.calls.map(({ status }) => status),
      [200, 410, 200],
    );
  });
});
