import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { createTestClock } from '../support/clock.ts';
import { eventually } from '../support/eventually.ts';
import { type Cluster, startTestCluster } from '../support/kubernetes/cluster.ts';
import { settingsFor } from '../support/kubernetes/for-service.ts';
import { createIngress, removeIngress } from '../support/kubernetes/placed-ingress.ts';
import { startEchoUpstream } from '../support/nginx/echo-upstream.ts';
import { type Answer, type Knock, knock } from '../support/nginx/knock.ts';
import { type Nginx, startNginx } from '../support/nginx/nginx.ts';
import { createOpensslAuthority } from '../support/nginx/openssl-authority.ts';
import { establishSession, resumeSession } from '../support/nginx/tls-session.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { skipUnless } from '../support/skip.ts';

/**
 * The main job from end to end: a CSR of openssl's, our service, a Kubernetes API (the stand-in, or the real cluster of
 * TEST_KUBECONFIG), and a real nginx that is configured from nothing but the Ingress and the Secret it finds there.
 */

/** A host of this run's own: on a real cluster, Ingresses of earlier runs may still be there. */
const host = `shop-${randomBytes(4).toString('hex')}.example`;
const run = promisify(execFile);

interface Person {
  readonly cert: string;
  readonly key: string;
  readonly serial: string;
}

/** A key and a CSR by openssl, the certificate by us. */
async function enrol(
  service: TestService,
  directory: string,
  name: string,
  validity = 'P30D',
): Promise<Person> {
  const [key, csr] = [join(directory, `${name}.key`), join(directory, `${name}.csr`)];
  const algorithm = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await run('openssl', [
    'req',
    '-new',
    ...algorithm,
    '-keyout',
    key,
    '-subj',
    `/O=Shop/CN=${name}`,
    '-out',
    csr,
  ]);
  const body = { csr: await readFile(csr, 'utf8'), validity };
  const answer = await service.call('POST', '/v1/certificates', { body });
  assert.equal(answer.status, 201, answer.body.toString());
  return {
    cert: answer.text('certificate'),
    key: await readFile(key, 'utf8'),
    serial: answer.text('serial'),
  };
}

/** The HTTPS side of the Ingress's host. */
interface Door {
  knock(client?: Pick<Knock, 'cert' | 'key'>): Promise<Answer>;
}

function doorOf(nginx: Nginx, ca: string): Door {
  return { knock: ({ cert, key }: Pick<Knock, 'cert' | 'key'> = {}) => knock(knockOf(nginx, ca, cert, key)) };
}

function knockOf({ httpsPort }: Nginx, ca: string, cert?: string, key?: string): Knock {
  return { port: httpsPort, host, ca, ...(cert === undefined || key === undefined ? {} : { cert, key }) };
}

/** A client that comes again and again, each time on a connection of its own. */
function keepKnocking(door: Door, client: Person): { stop(): Promise<number[]> } {
  let going = true;
  const work = (async () => {
    const statuses: number[] = [];
    do statuses.push((await door.knock(client)).status);
    while (going);
    return statuses;
  })();
  return {
    stop() {
      going = false;
      return work;
    },
  };
}

async function crlNumberOf(cluster: Cluster, namespace: string): Promise<bigint> {
  const secret = await cluster.admin.getSecret(namespace, 'internal-ca');
  return BigInt(secret?.metadata.annotations?.['internal-ca.io/crl-number'] ?? 0);
}

/** Waits until the copy beside the Ingress carries a later CRL. */
async function untilNewerCrl(cluster: Cluster, namespace: string, than: bigint): Promise<void> {
  await eventually(async () => assert.ok((await crlNumberOf(cluster, namespace)) > than));
}

const noCertificate = /No required SSL certificate was sent/;
const badCertificate = /The SSL certificate error/;

test('from a CSR to an Ingress that refuses strangers, the revoked and the expired', async (t) => {
  if (skipUnless(t, 'nginx') || skipUnless(t, 'openssl')) return;
  const directory = await mkdtemp(join(tmpdir(), 'story-'));
  const cluster = await startTestCluster();
  const [publicCa, strangeCa] = await Promise.all([
    createOpensslAuthority('/CN=Public CA'),
    createOpensslAuthority('/CN=internal-ca'),
  ]);
  const upstream = await startEchoUpstream();
  const [namespace, home] = [await cluster.createNamespace(), await cluster.createNamespace()];
  const placed = {
    namespace,
    className: `nginx-${namespace}`,
    host,
    annotations: { 'nginx.ingress.kubernetes.io/ssl-redirect': 'false' },
  };
  await createIngress(cluster, placed);
  t.after(async () => {
    await Promise.all([publicCa.remove(), strangeCa.remove(), upstream.stop()]);
    await removeIngress(cluster, placed);
    await cluster.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const clock = createTestClock(Date.now() - 4 * 86_400_000);
  const service = await startTestService(t, {
    inProcess: true,
    clock,
    env: { ...(await settingsFor(t, cluster, home)), CRL_COALESCE: '0' },
  });
  // The service's clock is four days slow: its CRL is due to be signed anew, and this certificate has expired.
  const expired = await enrol(service, directory, 'expired', 'PT1M');
  const alice = await enrol(service, directory, 'alice');
  const mallory = await enrol(service, directory, 'mallory');
  const stranger = await strangeCa.issue('/O=Shop/CN=alice');

  const server = await publicCa.issue(`/CN=${host}`, [host]);
  /** What the controller sees of the cluster at this moment. */
  const seen = async () => {
    const secret = await cluster.admin.getSecret(namespace, 'internal-ca');
    return {
      ingresses: await cluster.admin.listIngresses(namespace),
      secrets: secret === undefined ? [] : [secret],
      serverCertificate: server,
      upstream: upstream.url,
    };
  };
  const nginx = await startNginx(await seen());
  t.after(() => nginx.stop());
  const door = doorOf(nginx, publicCa.caCrt);
  const path = `/v1/namespaces/${namespace}/ingresses/web/client-verification`;

  await t.test('before: everybody is served', async () => {
    assert.equal((await door.knock()).status, 200);
    assert.equal((await service.call('GET', path)).status, 404);
  });

  await t.test('the call that closes the door', async () => {
    const plan = await service.call('PUT', `${path}?dryRun=true`);
    assert.equal(plan.text('state'), 'Planned');
    assert.equal(await cluster.admin.getSecret(namespace, 'internal-ca'), undefined);
    const answer = await service.call('PUT', path);
    assert.equal(answer.status, 200, answer.body.toString());
    assert.equal(answer.text('state'), 'Enforced');
    assert.partialDeepStrictEqual(answer.json(), { revocationEnforced: true, hosts: [host] });
    const secret = await cluster.admin.getSecret(namespace, 'internal-ca');
    assert.equal(secret?.type, 'Opaque');
    assert.deepEqual(Object.keys(secret?.data ?? {}).sort(), ['ca.crl', 'ca.crt']);
    await nginx.update(await seen());
  });

  await t.test('no certificate, a stranger and an expired one are refused', async () => {
    const nobody = await door.knock();
    assert.equal(nobody.status, 400);
    assert.match(nobody.body, noCertificate);
    for (const person of [stranger, expired]) {
      const answer = await door.knock(person);
      assert.equal(answer.status, 400);
      assert.match(answer.body, badCertificate);
    }
    assert.match(await nginx.errorLog(), /\(10:certificate has expired\)/);
  });

  await t.test('plain HTTP is redirected', async () => {
    const answer = await knock({ port: nginx.httpPort, host, plain: true });
    assert.equal(answer.status, 308);
    assert.ok(String(answer.headers.location).startsWith(`https://${host}`));
  });

  await t.test('who has a certificate of ours passes, and the upstream learns who it is', async () => {
    const answer = await door.knock(alice);
    assert.equal(answer.status, 200);
    const { headers } = JSON.parse(answer.body);
    assert.equal(headers['ssl-client-verify'], 'SUCCESS');
    assert.equal(headers['ssl-client-subject-dn'], 'CN=alice,O=Shop');
    assert.equal(headers['ssl-client-issuer-dn'], 'CN=internal-ca');
    assert.equal(decodeURIComponent(headers['ssl-client-cert']), alice.cert);
  });

  await t.test('a CRL that is signed anew does not interrupt a good client', async () => {
    const good = keepKnocking(door, alice);
    const before = await crlNumberOf(cluster, namespace);
    clock.set(Date.now());
    await untilNewerCrl(cluster, namespace, before);
    await nginx.update(await seen());
    assert.equal((await door.knock(alice)).status, 200);
    assert.deepEqual(new Set(await good.stop()), new Set([200]));
  });

  await t.test('a revocation reaches the door; a TLS session from before it goes on', async () => {
    assert.equal((await door.knock(mallory)).status, 200);
    const client = { port: nginx.httpsPort, host, ca: publicCa.caCrt, ...mallory };
    const { session } = await establishSession(client);
    const before = await crlNumberOf(cluster, namespace);
    const revoked = await service.call('POST', `/v1/certificates/${mallory.serial}/revoke`, {
      body: { reason: 'keyCompromise' },
    });
    assert.equal(revoked.status, 200, revoked.body.toString());
    await untilNewerCrl(cluster, namespace, before);
    await nginx.update(await seen());
    const refused = await door.knock(mallory);
    assert.equal(refused.status, 400);
    assert.match(refused.body, badCertificate);
    assert.match(await nginx.errorLog(), /\(23:certificate revoked\)/);
    assert.equal((await door.knock(alice)).status, 200);
    // nginx does not verify a resumed session again; docs/enforcing-an-ingress.md says for how long, and what to do.
    assert.match(await resumeSession(client, session), /^HTTP\/1\.1 200 /);
    await nginx.update({ ...(await seen()), sslSessionCache: false });
    await assert.rejects(resumeSession(client, session), /was not resumed/);
  });

  await t.test('undone, the door stands as before', async () => {
    const answer = await service.call('DELETE', path);
    assert.equal(answer.status, 200, answer.body.toString());
    const [ingress] = await cluster.admin.listIngresses(namespace);
    assert.deepEqual(ingress?.metadata.annotations, { 'nginx.ingress.kubernetes.io/ssl-redirect': 'false' });
    assert.equal(await cluster.admin.getSecret(namespace, 'internal-ca'), undefined);
    await nginx.update(await seen());
    assert.equal((await door.knock()).status, 200);
  });
});
