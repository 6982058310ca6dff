import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { decodePem } from '../../src/encoding/pem.ts';
import { readCrl } from '../../src/x509/crl.ts';
import { makeCsr } from '../support/csr.ts';
import { createTestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import type { Answer } from '../support/http-call.ts';
import { type ServiceCluster, startServiceCluster } from '../support/kubernetes/for-service.ts';
import { objectAt, stringAt } from '../support/kubernetes/json.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { assertListed, createLedger, fetchCrl, type Ledger, place, revoke } from './ledger.ts';

interface Scene {
  readonly cluster: ServiceCluster;
  readonly service: TestService;
  readonly ledger: Ledger;
  readonly csr: string;
}

/** The Ingress `door` of the namespace `app` is enforced, `other` is not. */
async function setScene(t: TestContext): Promise<Scene> {
  const cluster = await startServiceCluster(t);
  const { url } = await createTestDatabase(t);
  const service = await startTestService(t, { databaseUrl: url, env: { ...cluster.env, CRL_COALESCE: '0' } });
  cluster.placeIngress('app', 'door', 'door.example');
  cluster.placeIngress('app', 'other', 'other.example');
  const answer = await enforce(service, 'door');
  assert.equal(answer.status, 200, answer.body.toString());
  const { pem: csr } = await makeCsr();
  return { cluster, service, ledger: createLedger(), csr };
}

function enforce(service: TestService, name: string, query = ''): Promise<Answer> {
  return service.call('PUT', `${verification(name)}${query}`, { body: {}, timeoutMs: 60_000 });
}

function verification(name: string): string {
  return `/v1/namespaces/app/ingresses/${name}/client-verification`;
}

function assertAway(answer: Answer, what: string): void {
  assert.equal(answer.status, 503, `${what}: ${answer.body.toString()}`);
  assert.match(answer.text('type'), /kubernetes-unavailable$/, what);
  assert.match(answer.headers.get('retry-after') ?? '', /^[1-9]\d*$/, what);
}

/** Issues, revokes, and waits until the public CRL lists it. @returns the CRL's number */
async function carryOn({ service, ledger, csr }: Scene): Promise<bigint> {
  await revoke(service, ledger, await place(service, ledger, { idempotencyKey: randomUUID(), csr }));
  return eventually(async () => {
    const { serials, number } = await fetchCrl(service, ledger);
    assertListed(serials, ledger);
    return number;
  });
}

function annotations({ cluster }: Scene, name: string): string[] {
  const ingress = cluster.api.read('networking.k8s.io/v1', 'Ingress', 'app', name);
  return Object.keys(objectAt(objectAt(ingress, 'metadata'), 'annotations') ?? {});
}

/** The CRL number in each copy of the Secret; a copy is whole: its CRL is of its CA. */
function publishedNumbers({ cluster, ledger }: Scene): bigint[] {
  return ['internal-ca', 'app'].map((namespace) => {
    const secret = cluster.api.read('v1', 'Secret', namespace, 'internal-ca');
    assert.deepEqual(Object.keys(objectAt(secret, 'data') ?? {}).sort(), ['ca.crl', 'ca.crt']);
    const [block] = decodePem(Buffer.from(stringAt(secret, 'data', 'ca.crl') ?? '', 'base64').toString());
    assert.ok(block);
    assert.equal(ledger.noteCrl(block.der), readCrl(block.der).crlNumber);
    return readCrl(block.der).crlNumber;
  });
}

async function assertPublished(scene: Scene, number: bigint): Promise<void> {
  await eventually(() => assert.deepEqual(publishedNumbers(scene), [number, number]), 90_000);
  await eventually(async () => {
    const copies = (await scene.service.call('GET', '/v1/publications')).body.toString();
    assert.doesNotMatch(copies, /"error"/);
  });
}

test('the API server away for a while: all else goes on, and the copies heal', async (t) => {
  const scene = await setScene(t);
  const { cluster, service } = scene;
  const before = publishedNumbers(scene)[0] ?? 0n;
  await cluster.api.stop();

  const number = await carryOn(scene);
  assert.ok(number > before);
  for (const [what, answer] of [
    ['enforce', await enforce(service, 'other')],
    ['dry run', await enforce(service, 'other', '?dryRun=true')],
    ['undo', await service.call('DELETE', verification('door'))],
  ] as const)
    assertAway(answer, what);
  const ready = await service.call('GET', '/readyz', { token: null });
  assert.equal(ready.status, 200, 'issuing goes on, so the pod stays in service');
  assert.match(ready.body.toString(), /"name":"published","required":false,"status":"failing"/);
  assert.match((await service.call('GET', '/v1/publications')).body.toString(), /"error":/);

  await cluster.api.start();
  await assertPublished(scene, number);
  assert.deepEqual(annotations(scene, 'other'), [], 'what was refused left nothing behind');
  assert.ok(annotations(scene, 'door').length > 0, 'what was enforced still is');
  assert.equal((await enforce(service, 'other')).status, 200);
  assert.equal((await service.call('DELETE', verification('other'))).status, 200);
  assert.deepEqual(annotations(scene, 'other'), []);
});

test('the API server goes between the Secret and the Ingress: the Ingress is as it was', async (t) => {
  const scene = await setScene(t);
  const { cluster, service } = scene;
  let away = false;
  cluster.api.interfere(({ verb, type, query }) => {
    away ||= verb === 'patch' && type.plural === 'ingresses' && !query.has('dryRun');
    return away ? 'reset' : undefined;
  });
  assertAway(await enforce(service, 'other'), 'enforce');
  assert.ok(away, 'the write was tried');
  assert.deepEqual(annotations(scene, 'other'), []);
  cluster.api.interfere(undefined);
  const state = await service.call('GET', verification('other'));
  assert.ok(state.status === 404 || state.text('state') !== 'Enforced', state.body.toString());
  assert.equal((await enforce(service, 'other')).status, 200);
  assert.equal((await service.call('GET', verification('other'))).text('state'), 'Enforced');
  assert.equal((await service.call('DELETE', verification('other'))).status, 200);
  assert.deepEqual(annotations(scene, 'other'), []);
});

test('an API server that does not answer, and one that is away at the start', async (t) => {
  const scene = await setScene(t);
  const { cluster, service } = scene;
  cluster.api.interfere(() => 'hang');
  const refused = enforce(service, 'other');
  await carryOn(scene);
  const number = await carryOn(scene);
  assertAway(await refused, 'enforce');
  assert.equal(await service.stop(), 0, 'it stops cleanly');
  cluster.api.interfere(undefined);
  await cluster.api.stop();
  await service.restart();
  const later = await carryOn(scene);
  assert.ok(later > number);
  await cluster.api.start();
  await assertPublished(scene, later);
  assert.deepEqual(annotations(scene, 'other'), []);
});
