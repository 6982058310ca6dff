import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Fault } from '../../src/fault.ts';
import { encodeSecretData, type KubernetesApi } from '../../src/kubernetes/client.ts';
import { type ClientOptions, connectKubernetes } from '../../src/kubernetes/connect.ts';
import { type ApiServer, type ApiServerOptions, startApiServer } from '../support/kubernetes/server.ts';
import { watchInTest } from '../support/kubernetes/watched.ts';

const secret = (name: string, value = '1') => ({
  type: 'Opaque',
  metadata: { name, namespace: 'internal-ca' },
  data: encodeSecretData({ value }),
});

interface Setup {
  readonly server: ApiServer;
  readonly api: KubernetesApi;
  readonly directory: string;
}

async function setUp(
  t: TestContext,
  o: { client?: Partial<ClientOptions>; server?: ApiServerOptions } = {},
): Promise<Setup> {
  const server = await startApiServer(o.server);
  const directory = mkdtempSync(join(tmpdir(), 'internal-ca-kubernetes-'));
  const path = join(directory, 'kubeconfig');
  writeFileSync(path, server.kubeconfig());
  const watchBackOff = { initialMs: 5, maxMs: 20 };
  const api = await connectKubernetes({
    watchBackOff,
    ...o.client,
    connection: { mode: 'kubeconfig', path },
  });
  t.after(async () => {
    api.close();
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });
  return { server, api, directory };
}

const hasCode = (code: string, words?: RegExp) => (error: unknown) => {
  assert.ok(error instanceof Fault);
  assert.equal(error.code, code, error.message);
  if (words !== undefined) assert.match(error.message, words);
  return true;
};

describe('the API server is away', { timeout: 60_000 }, () => {
  it('is unavailable while it is stopped, and works as soon as it is back', async (t) => {
    const { server, api } = await setUp(t);
    await api.applySecret(secret('a'));
    await server.stop();
    await assert.rejects(
      api.getSecret('internal-ca', 'a'),
      hasCode('kubernetes-unavailable', /127\.0\.0\.1/),
    );
    await assert.rejects(api.ping(), hasCode('kubernetes-unavailable'));
    await server.start();
    assert.equal((await api.getSecret('internal-ca', 'a'))?.metadata.name, 'a');
    await api.ping();
  });

  it('is unavailable when it does not answer in time', async (t) => {
    const { server, api } = await setUp(t, { client: { requestTimeoutMs: 200 } });
    server.interfere(() => 'hang');
    await assert.rejects(
      api.getSecret('internal-ca', 'a'),
      hasCode('kubernetes-unavailable', /no answer within 200 ms/),
    );
  });

  it('is unavailable on 5xx, on overload (with its Retry-After), and on what is not Kubernetes', async (t) => {
    const { server, api } = await setUp(t);
    for (const status of [500, 502, 503, 504]) {
      server.interfere(() => ({ status }));
      await assert.rejects(api.getSecret('internal-ca', 'a'), hasCode('kubernetes-unavailable'));
    }
    server.interfere(() => ({ status: 429, headers: { 'Retry-After': '7' } }));
    await assert.rejects(api.applySecret(secret('a')), (error) => {
      hasCode('kubernetes-unavailable')(error);
      return error instanceof Fault && error.retryAfterSeconds === 7;
    });
    server.interfere(() => ({ status: 200, body: { portal: 'please log in' } }));
    await assert.rejects(
      api.getSecret('internal-ca', 'a'),
      hasCode('kubernetes-unavailable', /not the Kubernetes API/),
    );
    await assert.rejects(api.listIngresses(), hasCode('kubernetes-unavailable', /not the Kubernetes API/));
  });

  it('repeats an apply whose kept-alive connection was closed under it', async (t) => {
    const { server, api } = await setUp(t);
    await api.applySecret(secret('a'));
    let broken = 0;
    server.interfere(() => {
      broken += 1;
      return broken === 1 ? 'reset' : undefined;
    });
    await api.applySecret(secret('a', '2'));
    assert.equal(broken, 2);
  });

  it('does not talk to a server of another CA', async (t) => {
    const { server } = await setUp(t);
    const other = await setUp(t);
    const path = join(other.directory, 'wrong-ca');
    writeFileSync(path, server.kubeconfig().replace(server.url, other.server.url));
    const api = await connectKubernetes({ connection: { mode: 'kubeconfig', path } });
    t.after(() => api.close());
    await assert.rejects(api.getSecret('internal-ca', 'a'), hasCode('kubernetes-unavailable', /certificate/));
    assert.equal(other.server.calls.length, 0);
  });
});

describe('admission', () => {
  it("carries the webhook's words, whatever status it chose", async (t) => {
    for (const status of [400, 403, 409, 422, 500]) {
      const { server, api } = await setUp(t);
      server.admit(
        'validate.nginx.ingress.kubernetes.io',
        () => 'host "a" and path "/" is already defined',
        status,
      );
      await assert.rejects(api.applySecret(secret('a')), (error) => {
        hasCode('conflict', /host "a" and path "\/" is already defined/)(error);
        return error instanceof Fault && error.reasons[0]?.code === 'admission-denied';
      });
      assert.equal(server.read('v1', 'Secret', 'internal-ca', 'a'), undefined);
    }
  });

  it('a webhook that cannot be reached is an outage', async (t) => {
    const { server, api } = await setUp(t);
    const message =
      'Internal error occurred: failed calling webhook "validate.nginx.ingress.kubernetes.io": connection refused';
    const body = { kind: 'Status', status: 'Failure', message, reason: 'InternalError', code: 500 };
    server.interfere((call) => (call.verb === 'patch' ? { status: 500, body } : undefined));
    await assert.rejects(
      api.applySecret(secret('a')),
      hasCode('kubernetes-unavailable', /failed calling webhook "validate\.nginx/),
    );
  });

  it('nothing new goes into a namespace that is being deleted', async (t) => {
    const { server, api } = await setUp(t);
    const metadata = { name: 'going' };
    server.put({ apiVersion: 'v1', kind: 'Namespace', metadata, status: { phase: 'Terminating' } });
    const wish = { ...secret('a'), metadata: { name: 'a', namespace: 'going' } };
    await assert.rejects(api.applySecret(wish), hasCode('kubernetes-forbidden', /is being terminated/));
  });
});

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
});

describe('the connection', () => {
  it('keeps connections alive', async (t) => {
    const { server, api } = await setUp(t);
    const ports = new Set<number | undefined>();
    server.interfere((call) => {
      ports.add(call.remotePort);
      return undefined;
    });
    for (let i = 0; i < 5; i += 1) await api.getSecret('internal-ca', 'a');
    assert.equal(ports.size, 1);
  });

  it('in a pod: server, CA, namespace and token from the service account, the rotated token at once', async (t) => {
    const { server, directory } = await setUp(t);
    const first = server.tokenFor([{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }]);
    const mount = server.mountServiceAccount(directory, { token: first, namespace: 'ca-system' });
    const before = { ...process.env };
    t.after(() => {
      process.env = before;
    });
    Object.assign(process.env, mount.environment);
    const api = await connectKubernetes({ connection: { mode: 'in-cluster', rootPrefix: mount.rootPrefix } });
    t.after(() => api.close());
    assert.equal(api.namespace, 'ca-system');
    assert.equal(api.server, server.url);
    await api.applySecret(secret('a'));

    mount.rotate(server.tokenFor([{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }]));
    server.revokeToken(first);
    await api.applySecret(secret('a', '2'));
  });

  it('takes the context that is asked for, and fails on files that lead nowhere', async (t) => {
    const { directory, server } = await setUp(t);
    const path = join(directory, 'two');
    const parsed = JSON.parse(server.kubeconfig());
    parsed.contexts.push({ name: 'other', context: { ...parsed.contexts[0].context, namespace: 'shop' } });
    writeFileSync(path, JSON.stringify(parsed));
    const api = await connectKubernetes({ connection: { mode: 'kubeconfig', path, context: 'other' } });
    assert.equal(api.namespace, 'shop');
    api.close();
    for (const connection of [
      { mode: 'kubeconfig', path, context: 'no-such' } as const,
      { mode: 'kubeconfig', path: join(directory, 'no-such-file') } as const,
      { mode: 'kubeconfig', path: '' } as const,
    ]) {
      await assert.rejects(
        connectKubernetes({ connection }),
        hasCode('kubernetes-unavailable', /No API server/),
      );
    }
  });
});
