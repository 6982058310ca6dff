import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { makeCsr } from '../support/csr.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { startTestCluster } from '../support/kubernetes/cluster.ts';
import { settingsFor } from '../support/kubernetes/for-service.ts';
import { createIngress, removeIngress } from '../support/kubernetes/placed-ingress.ts';
import { startEchoUpstream } from '../support/nginx/echo-upstream.ts';
import { type Knock, knock } from '../support/nginx/knock.ts';
import { startNginx } from '../support/nginx/nginx.ts';
import { createOpensslAuthority } from '../support/nginx/openssl-authority.ts';
import { establishSession, resumeSession } from '../support/nginx/tls-session.ts';
import { startTestService } from '../support/service.ts';
import { skipUnless } from '../support/skip.ts';

/**
 * The service and a real nginx that asks it about each request. The CRL in nginx stays as it was when it was last told to
 * reload, so that whoever is refused after a revocation is refused by the answer.
 */

const secretName = `online-${randomBytes(4).toString('hex')}`;
const host = `${secretName}.example`;
const networking = '/apis/networking.k8s.io/v1';
/** Long enough for every pause of the leader's work, and for a machine that is busy. */
const patienceMs = 180_000;

interface Client {
  readonly cert: string;
  readonly key: string;
  readonly serial: string;
}

test('an Ingress that asks about each request refuses the revoked at once', async (t) => {
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
  const port = await freePort();
  const service = await startTestService(t, {
    inProcess: true,
    env: {
      ...(await settingsFor(t, cluster, home)),
      PORT: String(port),
      VERIFY_URL: `http://127.0.0.1:${port}`,
      PUBLICATION_SECRET_NAME: secretName,
      ENFORCEMENT_PROBE_ADDRESS: '127.0.0.1',
      ENFORCEMENT_PROBE_HTTPS_PORT: String(nginx.httpsPort),
      ENFORCEMENT_PROBE_HTTP_PORT: String(nginx.httpPort),
      ENFORCEMENT_PROBE_INTERVAL: '10',
    },
  });
  const path = `/v1/namespaces/${namespace}/ingresses/web/client-verification`;
  const enforce = async (json: object) => {
    const answer = await service.call('PUT', path, { body: json });
    assert.equal(answer.status, 200, answer.body.toString());
    return answer;
  };

  async function issue(commonName: string): Promise<Client> {
    const { pem, privateKey } = await makeCsr({ subject: `CN=${commonName}` });
    const answer = await service.call('POST', '/v1/certificates', { body: { csr: pem } });
    assert.equal(answer.status, 201, answer.body.toString());
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    return { cert: answer.text('certificate'), key, serial: answer.text('serial') };
  }
  const revoke = async ({ serial }: Client): Promise<void> => {
    assert.equal((await service.call('POST', `/v1/certificates/${serial}/revoke`, { body: {} })).status, 200);
  };
  const enter = ({ cert, key }: Client, how: Partial<Knock> = {}) =>
    knock({ port: nginx.httpsPort, host, ca: publicCa.caCrt, cert, key, ...how });
  const headersOf = (body: string): Record<string, string> => JSON.parse(body).headers;

  const alice = await issue('alice');

  await t.test('the probe proves it: a revoked certificate that is on no CRL is refused', async () => {
    const answer = await enforce({ revocation: 'online' });
    assert.partialDeepStrictEqual(answer.json(), {
      revocationEnforced: true,
      revocation: { wished: 'online', effective: 'online' },
    });
    const contradicted = await service.call('POST', `${path}/probe`);
    assert.partialDeepStrictEqual(contradicted.json(), { verdict: 'contradicted' });
    await nginx.update(await seen());
    const confirmed = await service.call('POST', `${path}/probe`);
    const check = { name: 'revoked-certificate', answer: { status: 403 }, outcome: 'as-expected' };
    assert.partialDeepStrictEqual(
      confirmed.json(),
      { verdict: 'confirmed', reasons: [] },
      confirmed.body.toString(),
    );
    assert.ok(JSON.stringify(confirmed.json()).includes('"onlineProvenAt"'));
    const hosts = (confirmed.json() as { hosts: { checks: unknown[] }[] }).hosts;
    assert.partialDeepStrictEqual(hosts[0]?.checks[3], check);
    await eventually(async () => {
      const state = (await service.call('GET', path)).json();
      assert.partialDeepStrictEqual(state, {
        state: 'Enforced',
        observed: { probe: { verdict: 'confirmed' } },
      });
    }, patienceMs);
  });

  await t.test('the upstream learns who it is, and nothing that the client says of itself', async () => {
    const forged = {
      'X-Client-Serial': '00',
      'X-Client-Common-Name': 'root',
      'X-Client-Omitted': 'everything',
      'ssl-client-cert': encodeURIComponent(alice.cert),
      'ssl-client-verify': 'SUCCESS',
    };
    const answer = await enter(alice, { headers: forged });
    assert.equal(answer.status, 200);
    const headers = headersOf(answer.body);
    assert.equal(headers['x-client-serial'], alice.serial);
    assert.equal(headers['x-client-common-name'], 'alice');
    assert.equal(headers['x-client-omitted'], undefined);
  });

  await t.test(
    'a client that sends as much as nginx takes is let in: all of it is sent to us, too',
    async () => {
      const much = Object.fromEntries([1, 2, 3].map((each) => [`X-Much-${each}`, 'x'.repeat(7_500)]));
      assert.equal((await enter(alice, { headers: much, path: `/?${'y'.repeat(7_500)}` })).status, 200);
    },
  );

  await t.test(
    'revoked: refused, on a new connection and on a resumed session, with the old CRL in nginx',
    async (t) => {
      const mallory = await issue('mallory');
      const client = { port: nginx.httpsPort, host, ca: publicCa.caCrt, ...mallory };
      const { session, answer } = await establishSession(client);
      assert.match(answer, /^HTTP\/1\.1 200 /);
      await revoke(mallory);
      const began = performance.now();
      await eventually(async () => assert.equal((await enter(mallory)).status, 403));
      t.diagnostic(
        `refused ${Math.round(performance.now() - began)} ms after the revocation was acknowledged`,
      );
      assert.match(await resumeSession(client, session), /^HTTP\/1\.1 403 /);
      const forged = { 'ssl-client-cert': encodeURIComponent(alice.cert), 'ssl-client-verify': 'SUCCESS' };
      assert.equal((await enter(mallory, { headers: forged })).status, 403);
      assert.equal((await enter(alice)).status, 200);
      assert.doesNotMatch(await nginx.errorLog(), /certificate revoked/);
    },
  );

  await t.test('nobody but nginx gets an answer, and nobody reaches the question itself', async () => {
    const url = (await cluster.admin.getIngress(namespace, 'web'))?.metadata.annotations?.[
      'nginx.ingress.kubernetes.io/auth-url'
    ];
    assert.ok(url !== undefined);
    const wrongKey = await fetch(url.replace(/key=.{4}/, 'key=AAAA'), {
      headers: { 'ssl-client-verify': 'SUCCESS', 'ssl-client-cert': encodeURIComponent(alice.cert) },
    });
    assert.equal(wrongKey.status, 403);
    // nginx keeps the location to itself.
    const inner = `/_external-auth-${Buffer.from('/').toString('base64url')}-Prefix`;
    assert.equal((await enter(alice, { path: inner })).status, 404);
  });

  await t.test(
    'rules: another name is turned away without a reload, as soon as they are recorded',
    async () => {
      const bob = await issue('bob');
      assert.equal((await enter(bob)).status, 200);
      await enforce({ revocation: 'online', allow: [{ commonName: 'alice' }] });
      await eventually(async () => assert.equal((await enter(bob)).status, 403));
      assert.equal((await enter(alice)).status, 200);
      const probed = (await service.call('POST', `${path}/probe`)).json();
      assert.partialDeepStrictEqual(probed, { verdict: 'confirmed' });
      assert.ok(JSON.stringify(probed).includes('"onlineProvenAt"'));
      await enforce({ revocation: 'online' });
      await eventually(async () => assert.equal((await enter(bob)).status, 200));
    },
  );

  await t.test('a path round it: another Ingress of the host that does not ask', async () => {
    const backend = { service: { name: 'web', port: { number: 80 } } };
    await cluster.request({
      method: 'POST',
      path: `${networking}/namespaces/${namespace}/ingresses`,
      body: {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'Ingress',
        metadata: { name: 'round' },
        spec: {
          ingressClassName: placed.className,
          tls: [{ hosts: [host], secretName: 'public-tls' }],
          rules: [{ host, http: { paths: [{ path: '/round', pathType: 'Prefix', backend }] } }],
        },
      },
    });
    await nginx.update(await seen());
    const eve = await issue('eve');
    await revoke(eve);
    await eventually(async () => assert.equal((await enter(eve)).status, 403));
    // The Secret may hold the new CRL by now, or not: without it, the path is open to whom it must not be.
    assert.ok([200, 400].includes((await enter(eve, { path: '/round' })).status));
    const unsafe = (await service.call('GET', path)).json();
    assert.partialDeepStrictEqual(unsafe, {
      state: 'Unsafe',
      observed: { problems: [{ code: 'host-path-not-asked' }] },
    });
    const refused = await service.call('PUT', path, { body: { revocation: 'online' } });
    assert.equal(refused.status, 422);
    const round = path.replace('/web/', '/round/');
    assert.equal((await service.call('PUT', round, { body: { revocation: 'online' } })).status, 200);
    await nginx.update(await seen());
    await eventually(async () =>
      assert.ok([400, 403].includes((await enter(eve, { path: '/round' })).status)),
    );
    assert.equal((await enter(alice, { path: '/round' })).status, 200);
    await eventually(async () => {
      assert.partialDeepStrictEqual((await service.call('GET', path)).json(), { state: 'Enforced' });
    }, patienceMs);
    assert.equal((await service.call('DELETE', round)).status, 200);
    await cluster.request({
      method: 'DELETE',
      path: `${networking}/namespaces/${namespace}/ingresses/round`,
    });
    await nginx.update(await seen());
  });

  await t.test('back to the CRL: nobody is refused on the way, whoever is still asked about', async () => {
    await enforce({ revocation: 'crl' });
    // nginx has not read that yet.
    assert.equal((await enter(alice)).status, 200);
    await nginx.update(await seen());
    const answer = await enter(alice);
    assert.equal(answer.status, 200);
    assert.equal(headersOf(answer.body)['x-client-serial'], undefined);
  });

  await t.test('while the service is away, a door that asks is closed', async () => {
    await enforce({ revocation: 'both' });
    await nginx.update(await seen());
    assert.equal((await enter(alice)).status, 200);
    await service.stop();
    assert.equal((await enter(alice)).status, 500);
  });
});
