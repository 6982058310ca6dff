import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { revokedEntry } from '../../src/revocation/revocation-facts.ts';
import type { Database } from '../../src/store/database.ts';
import { closeChange, insertRevocations, newChangeId } from '../../src/store/revocation-changes.ts';
import { makeCsr } from '../support/csr.ts';
import { createTestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { startTestCluster } from '../support/kubernetes/cluster.ts';
import { settingsFor } from '../support/kubernetes/for-service.ts';
import { createIngress, removeIngress } from '../support/kubernetes/placed-ingress.ts';
import { startEchoUpstream } from '../support/nginx/echo-upstream.ts';
import { knock } from '../support/nginx/knock.ts';
import { startNginx } from '../support/nginx/nginx.ts';
import { createOpensslAuthority } from '../support/nginx/openssl-authority.ts';
import { startTestService } from '../support/service.ts';
import { skipUnless } from '../support/skip.ts';

/**
 * One authority all the way: its CRL outgrows the Secret in full and then without reason codes, the Ingress is moved to live
 * verification, the CRL leaves the Secret, no longer fits at all, fits again and comes back. At the door of a real nginx,
 * with a controller that follows the cluster, nobody may notice.
 */

const secretName = `budget-${randomBytes(4).toString('hex')}`;
const host = `${secretName}.example`;
/** Long enough for every pause of the leader's work, and for a machine that is busy. */
const patienceMs = 300_000;
const authority = 'internal-ca';

interface Client {
  readonly name: string;
  readonly cert: string;
  readonly key: string;
  readonly serial: string;
}

/** Revocations of certificates that nobody shows here: a bulk of somebody else's list. */
async function revokeMany(db: Database, count: number): Promise<void> {
  const revokedAt = new Date(Math.floor(Date.now() / 1000) * 1000);
  const serials = Array.from({ length: count }, () => `4${randomBytes(16).toString('hex').slice(1)}`).sort();
  await db.transaction(async (tx) => {
    const changeId = await newChangeId(tx);
    for (let at = 0; at < count; at += 1_000) {
      const rows = serials.slice(at, at + 1_000).map((serial) => ({
        ...{ serial, authority, certificateId: null, revokedAt, inCrl: true, requester: 'test' },
        entry: revokedEntry(serial, revokedAt, 'superseded'),
        notAfter: new Date(revokedAt.getTime() + 86_400_000),
        reason: 'superseded' as const,
      }));
      await insertRevocations(tx, rows, changeId);
    }
    await closeChange(tx, changeId);
  });
}

test('a CRL outgrows its Secret and comes back, and nobody at the door notices', async (t) => {
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
  const seen = async () => {
    const secret = await cluster.admin.getSecret(namespace, secretName);
    const ingresses = await cluster.admin.listIngresses(namespace);
    return {
      ...{ ingresses, secrets: secret === undefined ? [] : [secret], serverCertificate },
      upstream: upstream.url,
    };
  };
  const nginx = await startNginx(await seen());
  t.after(() => nginx.stop());
  const { db, url: databaseUrl } = await createTestDatabase(t);
  const port = await freePort();
  const service = await startTestService(t, {
    inProcess: true,
    databaseUrl,
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

  // The controller: what it sees is in nginx a moment later, unless a test has it look away from Ingresses.
  const ending = new AbortController();
  let lastSeen: Awaited<ReturnType<typeof seen>>['ingresses'] | undefined;
  let inForce = '';
  let reloading: Promise<void> = Promise.resolve();
  async function control(): Promise<void> {
    while (!ending.signal.aborted) {
      const all = await seen();
      const now = { ...all, ingresses: lastSeen ?? all.ingresses };
      const text = JSON.stringify([now.ingresses, now.secrets].flat().map(({ metadata }) => metadata));
      if (text !== inForce) reloading = nginx.update(now);
      await reloading;
      inForce = text;
      await pause(100);
    }
  }

  async function issue(name: string): Promise<Client> {
    const { pem, privateKey } = await makeCsr({ subject: `CN=${name}` });
    const answer = await service.call('POST', '/v1/certificates', { body: { csr: pem } });
    assert.equal(answer.status, 201, answer.body.toString());
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    return { name, cert: answer.text('certificate'), key, serial: answer.text('serial') };
  }
  const revoke = async ({ serial }: Client) =>
    assert.equal((await service.call('POST', `/v1/certificates/${serial}/revoke`, { body: {} })).status, 200);
  const enter = async ({ cert, key }: Client) =>
    (await knock({ port: nginx.httpsPort, host, ca: publicCa.caCrt, cert, key })).status;

  // Everybody who has a good certificate, and everybody who was refused once, again and again.
  const alice = await issue('alice');
  const refused: Client[] = [];
  const wrong: string[] = [];
  let visits = 0;
  let stage = 'at first';
  async function visit(): Promise<void> {
    while (!ending.signal.aborted) {
      const welcome = await enter(alice);
      if (welcome !== 200) wrong.push(`${stage}: alice got ${welcome}`);
      for (const client of [...refused]) {
        const status = await enter(client);
        if (status !== 400 && status !== 403) wrong.push(`${stage}: ${client.name}, revoked, got ${status}`);
      }
      visits += 1;
      await pause(50);
    }
  }

  /** Revokes somebody who was let in a moment ago, and waits for the door to know. */
  async function revokeOne(name: string, expected: number): Promise<void> {
    const client = await issue(name);
    assert.equal(await enter(client), 200);
    await revoke(client);
    const began = performance.now();
    await eventually(async () => assert.equal(await enter(client), expected), patienceMs);
    t.diagnostic(`${stage}: ${name} refused ${Math.round(performance.now() - began)} ms after`);
    // While nginx reloads, its worker of before takes connections, too, and has the CRL of before.
    await reloading;
    refused.push(client);
  }

  const path = `/v1/namespaces/${namespace}/ingresses/web/client-verification`;
  const secretOf = async () =>
    (await service.call('GET', `/v1/authorities/${authority}`)).json() as { secret: Record<string, unknown> };
  const copy = async (of: string) => {
    const { items } = (await service.call('GET', '/v1/publications')).json() as {
      items: { target: string; state: string; crlForm?: string; error?: string }[];
    };
    return items.find(({ target }) => target === `secret:${of}/${secretName}`);
  };
  const untilStage = async (wanted: string) => {
    await eventually(async () => assert.equal((await secretOf()).secret.stage, wanted), patienceMs);
    const { secret } = await secretOf();
    t.diagnostic(`${wanted}: ${JSON.stringify(secret)}`);
    stage = wanted;
  };
  const untilForm = (form: string) =>
    eventually(async () => assert.equal((await copy(namespace))?.crlForm, form), patienceMs);

  const controlling = control();
  t.after(async () => {
    ending.abort();
    await controlling;
  });
  assert.equal((await service.call('PUT', path, { body: {} })).status, 200);
  await eventually(async () => assert.equal(await enter(alice), 200), patienceMs);
  await revokeOne('mallory', 400);
  const visiting = visit();

  await revokeMany(db, 15_000);
  await untilStage('compact');
  await untilForm('compact');
  await revokeOne('after-compact', 400);
  assert.equal((await copy(namespace))?.state, 'Current');

  lastSeen = (await seen()).ingresses;
  await revokeMany(db, 6_000);
  await untilStage('online');
  await eventually(async () => {
    const state = (await service.call('GET', path)).json();
    assert.partialDeepStrictEqual(state, { revocation: { effective: 'both' } });
  }, patienceMs);
  // The Ingress says so, but the door does not ask yet: the CRL stays.
  assert.partialDeepStrictEqual((await service.call('POST', `${path}/probe`)).json(), {
    verdict: 'contradicted',
  });
  await revokeOne('not-asked-yet', 400);
  assert.equal((await copy(namespace))?.crlForm, 'compact');
  lastSeen = undefined;
  await untilForm('none');
  const secret = await cluster.admin.getSecret(namespace, secretName);
  assert.deepEqual(Object.keys(secret?.data ?? {}), ['ca.crt']);
  assert.match(secret?.metadata.annotations?.['internal-ca.io/why-no-crl'] ?? '', /asks internal-ca/);
  assert.partialDeepStrictEqual((await service.call('GET', path)).json(), {
    revocationEnforced: true,
    revocation: { wished: 'crl', effective: 'both', why: { code: 'secret-over-budget' } },
  });
  assert.equal((await copy(home))?.crlForm, 'compact', 'who reads our own copy is not known');
  await revokeOne('after-online', 403);

  await revokeMany(db, 5_000);
  await eventually(async () => assert.ok(Number((await secretOf()).secret.leftBytes) < 0), patienceMs);
  stage = 'beyond';
  await revokeOne('after-beyond', 403);
  await eventually(async () => assert.equal((await copy(home))?.state, 'Failed'), patienceMs);
  assert.partialDeepStrictEqual(await copy(namespace), { state: 'Current', crlForm: 'none' });

  // Their certificates have expired long ago: the next CRL leaves them out.
  await db.query({
    text: `update revocations set not_after = now() - interval '30 days' where requester = 'test'`,
  });
  await revokeOne('at-the-return', 403);
  await untilStage('full');
  await untilForm('full');
  await eventually(async () => {
    const state = (await service.call('GET', path)).json();
    assert.partialDeepStrictEqual(state, { revocation: { effective: 'crl' }, state: 'Enforced' });
  }, patienceMs);
  assert.equal((await copy(home))?.state, 'Current');
  await revokeOne('after-all', 400);

  ending.abort();
  await Promise.all([visiting, controlling]);
  t.diagnostic(`${visits} rounds at the door`);
  assert.deepEqual(wrong, []);
});
