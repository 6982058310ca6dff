import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Fault } from '../../src/fault.ts';
import { connectKubernetes } from '../../src/kubernetes/connect.ts';
import { createTestClock } from '../support/clock.ts';
import { assertConflict, faultOf } from '../support/faults.ts';
import { createServerCertificate } from '../support/kubernetes/certificates.ts';
import { hasCode, secret, setUp } from './stand-in-client.ts';

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

  it('is a conflict on 409 and unavailable on 410, whatever was asked', async (t) => {
    const { server, api } = await setUp(t);
    server.interfere(() => ({ status: 409 }));
    assertConflict(await faultOf(api.applySecret(secret('a'))), 'object-modified');
    server.interfere(() => ({ status: 410 }));
    assert.equal((await faultOf(api.applySecret(secret('a')))).code, 'kubernetes-unavailable');
    assert.equal((await faultOf(api.listIngresses())).code, 'kubernetes-unavailable');
  });

  it('waits for a slow answer, as long as it comes in time', async (t) => {
    const { server, api } = await setUp(t);
    server.interfere(() => ({ delayMs: 300 }));
    assert.equal((await api.applySecret(secret('a'))).metadata.name, 'a');
  });

  it('does not tell a token that the answer to its review repeats', async (t) => {
    const { server, api } = await setUp(t);
    const token = server.serviceAccountToken({ namespace: 'default', name: 'a', audiences: ['internal-ca'] });
    for (const status of [400, 500]) {
      const message = `cannot review "${token}"`;
      server.interfere(() => ({ status, body: { kind: 'Status', message, code: status } }));
      const fault = await faultOf(api.reviewToken(token, ['internal-ca']));
      assert.match(fault.message, /cannot review "\[the token\]"/);
      assert.ok(!`${fault.stack}${String(fault.cause)}`.includes(token));
    }
    server.interfere(() => ({ status: 200, body: { portal: 'please log in' } }));
    const fault = await faultOf(api.reviewToken(token, ['internal-ca']));
    assert.equal(fault.code, 'kubernetes-unavailable');
  });

  it('believes a review only as far as it says that the token is good, and whose it is', async (t) => {
    const { server, api } = await setUp(t);
    const user = { username: 'system:serviceaccount:default:a', groups: ['system:authenticated'] };
    const audiences = ['internal-ca'];
    for (const status of [
      { user, audiences },
      { authenticated: false, user, audiences },
      { authenticated: 'true', user, audiences },
      { authenticated: true, user: {}, audiences },
      { authenticated: true, audiences },
      undefined,
    ]) {
      server.interfere(() => ({ status: 201, body: { kind: 'TokenReview', status } }));
      const review = await api.reviewToken('a-token', audiences);
      assert.equal(review.authenticated, false, JSON.stringify(status));
      assert.equal(review.user, undefined);
    }
  });

  it('reviews a token again whose kept-alive connection was closed under it', async (t) => {
    const { server, api } = await setUp(t);
    const token = server.serviceAccountToken({ namespace: 'default', name: 'a', audiences: ['internal-ca'] });
    await api.reviewToken(token, ['internal-ca']);
    let broken = 0;
    server.interfere(() => {
      broken += 1;
      return broken === 1 ? 'reset' : undefined;
    });
    assert.equal((await api.reviewToken(token, ['internal-ca'])).authenticated, true);
    server.revokeToken(token);
    assert.equal((await api.reviewToken(token, ['internal-ca'])).authenticated, false);
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

describe('ClusterTrustBundles that come and go', () => {
  const anchors = async () => {
    const { caPem } = await createServerCertificate();
    return { metadata: { name: 'internal-ca' }, spec: { trustBundle: caPem } };
  };

  it('are as if they were not there, where the cluster does not serve them', async (t) => {
    const { server, api } = await setUp(t, { server: { clusterTrustBundles: 'off' } });
    assert.equal(await api.clusterTrustBundlesServed(), false);
    assert.equal(await api.getClusterTrustBundle('internal-ca'), undefined);
    assert.equal(await api.applyClusterTrustBundle(await anchors()), undefined);
    assert.equal(await api.deleteClusterTrustBundle('internal-ca'), false);
    assert.deepEqual(server.calls, []);
  });

  it('are found in either version, again after five minutes, and at once when the version is taken away', async (t) => {
    const clock = createTestClock();
    const { server, api } = await setUp(t, { client: { clock }, server: { clusterTrustBundles: 'off' } });
    assert.equal(await api.clusterTrustBundlesServed(), false);
    server.serveClusterTrustBundles('v1beta1');
    assert.equal(await api.clusterTrustBundlesServed(), false);
    clock.advance(301);
    const applied = await api.applyClusterTrustBundle(await anchors());
    assert.equal(applied?.apiVersion, 'certificates.k8s.io/v1beta1');
    server.serveClusterTrustBundles('v1');
    assert.equal(await api.applyClusterTrustBundle(await anchors()), undefined);
    const again = await api.applyClusterTrustBundle(await anchors());
    assert.equal(again?.apiVersion, 'certificates.k8s.io/v1');
  });

  it('are not said to be missing while the API server is away', async (t) => {
    const { server, api } = await setUp(t);
    await server.stop();
    await assert.rejects(api.clusterTrustBundlesServed(), hasCode('kubernetes-unavailable'));
    await server.start();
    assert.equal(await api.clusterTrustBundlesServed(), true);
  });

  it('are not said to be missing when the API server does not answer the question', async (t) => {
    const { server, api } = await setUp(t);
    server.revokeToken(server.adminToken);
    await assert.rejects(api.clusterTrustBundlesServed(), hasCode('kubernetes-forbidden'));
  });
});
