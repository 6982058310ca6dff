import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { type Cluster, startTestCluster } from '../support/kubernetes/cluster.ts';
import { settingsFor } from '../support/kubernetes/for-service.ts';
import { createIngress, removeIngress } from '../support/kubernetes/placed-ingress.ts';
import { startEchoUpstream } from '../support/nginx/echo-upstream.ts';
import { startNginx } from '../support/nginx/nginx.ts';
import { createOpensslAuthority } from '../support/nginx/openssl-authority.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { skipUnless } from '../support/skip.ts';

/**
 * The service tries the door of an Ingress that a real nginx serves: what stands on the Ingress is one thing, what the
 * controller does another.
 */

/** Of this run alone: on a real cluster, another installation may look after the usual names. */
const secretName = `probed-${randomBytes(4).toString('hex')}`;
const host = `${secretName}.example`;
/** Long enough for every pause of the leader's work, and for a machine that is busy. */
const patienceMs = 180_000;

async function reasonsOfEvents(cluster: Cluster, namespace: string): Promise<string[]> {
  const found: unknown = await cluster.request({
    method: 'GET',
    path: `/api/v1/namespaces/${namespace}/events`,
  });
  assert.ok(typeof found === 'object' && found !== null && 'items' in found && Array.isArray(found.items));
  return found.items.map((event: { reason?: string }) => event.reason ?? '');
}

async function figure(service: TestService, name: string): Promise<number | undefined> {
  const text = (await service.call('GET', '/metrics')).body.toString();
  const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1];
  return value === undefined ? undefined : Number(value);
}

test('a door that does not do as wished shows in the state, in a metric and as an Event', async (t) => {
  if (skipUnless(t, 'nginx') || skipUnless(t, 'openssl')) return;
  const cluster = await startTestCluster();
  const [namespace, home] = [await cluster.createNamespace(), await cluster.createNamespace()];
  const placed = { namespace, className: `nginx-${namespace}`, host };
  await createIngress(cluster, placed);
  const publicCa = await createOpensslAuthority('/CN=Public CA');
  const upstream = await startEchoUpstream();
  t.after(async () => {
    await Promise.all([publicCa.remove(), upstream.stop()]);
    await removeIngress(cluster, placed);
    await cluster.stop();
  });
  const serverCertificate = await publicCa.issue(`/CN=${host}`, [host]);
  /** What the controller sees of the cluster at this moment. */
  const seen = async () => {
    const secret = await cluster.admin.getSecret(namespace, secretName);
    return {
      ingresses: await cluster.admin.listIngresses(namespace),
      secrets: secret === undefined ? [] : [secret],
      serverCertificate,
      upstream: upstream.url,
    };
  };
  const nginx = await startNginx(await seen());
  t.after(() => nginx.stop());
  const service = await startTestService(t, {
    inProcess: true,
    env: {
      ...(await settingsFor(t, cluster, home)),
      PUBLICATION_SECRET_NAME: secretName,
      ENFORCEMENT_PROBE_ADDRESS: '127.0.0.1',
      ENFORCEMENT_PROBE_HTTPS_PORT: String(nginx.httpsPort),
      ENFORCEMENT_PROBE_HTTP_PORT: String(nginx.httpPort),
      ENFORCEMENT_PROBE_INTERVAL: '10',
    },
  });
  const path = `/v1/namespaces/${namespace}/ingresses/web/client-verification`;
  const stateIs = (state: string, verdict: string): Promise<void> =>
    eventually(async () => {
      const answer = await service.call('GET', path);
      assert.partialDeepStrictEqual(answer.json(), { state, observed: { probe: { verdict } } });
    }, patienceMs);

  await t.test('only what is enforced can be tried', async () => {
    const answer = await service.call('POST', `${path}/probe`);
    assert.equal(answer.status, 404);
    assert.match(answer.text('type'), /client-verification-not-found$/);
  });

  await t.test('enforced, but the controller does not follow: the probe contradicts', async () => {
    assert.equal((await service.call('PUT', path)).text('state'), 'Enforced');
    const answer = await service.call('POST', `${path}/probe`);
    assert.equal(answer.status, 200, answer.body.toString());
    const check = { name: 'no-certificate', answer: { kind: 'http', status: 200 }, outcome: 'contradicts' };
    assert.partialDeepStrictEqual(answer.json(), {
      verdict: 'contradicted',
      address: '127.0.0.1',
      hosts: [{ host, checks: [check] }],
      reasons: [{ code: 'open-without-certificate' }],
    });
    await stateIs('NotEnforced', 'contradicted');
    assert.equal(await figure(service, 'internal_ca_probe_contradictions'), 1);
    await eventually(async () =>
      assert.ok((await reasonsOfEvents(cluster, namespace)).includes('ProbeContradicts')),
    );
  });

  await t.test('the controller reloads: the next probe confirms by itself', async () => {
    await nginx.update(await seen());
    await stateIs('Enforced', 'confirmed');
    assert.equal(await figure(service, 'internal_ca_probe_contradictions'), 0);
    await eventually(async () =>
      assert.ok((await reasonsOfEvents(cluster, namespace)).includes('ProbeConfirms')),
    );
  });

  await t.test('the door opens behind our back: seen, without a call', async () => {
    await nginx.update({ ...(await seen()), ingresses: [] });
    await stateIs('NotEnforced', 'contradicted');
    await nginx.update(await seen());
    await stateIs('Enforced', 'confirmed');
  });

  await t.test('every certificate that was shown is on record, and none alarms anybody', async () => {
    const found = await service.call('GET', '/v1/certificates?profile=internal-ca-probe');
    const { items } = found.json() as { items: { subject: string; requester: string }[] };
    assert.ok(items.length > 0);
    for (const { subject, requester } of items)
      assert.deepEqual([subject, requester], ['CN=internal-ca-probe', 'internal-ca-probe']);
    const metrics = (await service.call('GET', '/metrics')).body.toString();
    assert.match(metrics, /^internal_ca_certificates_expiring\{authority="internal-ca",within="24h"\} 0$/m);
    assert.match(metrics, /^internal_ca_probes_total\{verdict="confirmed"\} [1-9]/m);
    const profiles = await service.call('GET', '/v1/profiles');
    assert.doesNotMatch(profiles.body.toString(), /internal-ca-probe/);
  });

  await t.test('undone, nothing is tried any more', async () => {
    assert.equal((await service.call('DELETE', path)).status, 200);
    assert.equal((await service.call('POST', `${path}/probe`)).status, 404);
    assert.equal(await figure(service, 'internal_ca_probe_contradictions'), 0);
  });
});
