import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { makeCsr } from '../support/csr.ts';
import { type RestartableDatabase, restartableDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import type { Answer } from '../support/http-call.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { startPostgresProxy } from '../support/tcp-proxy.ts';
import { assertListed, createLedger, fetchCrl, type Ledger, place, revoke } from './ledger.ts';

const problemType = /application\/problem\+json/;
/** Below what the calls give up at: a request that hangs fails the test. */
const limits = { DATABASE_STATEMENT_TIMEOUT: '1', DATABASE_CONNECT_TIMEOUT: '1', CRL_COALESCE: '0' };

interface Scene {
  readonly service: TestService;
  readonly ledger: Ledger;
  readonly csr: string;
  /** Issued before the outage, not revoked. */
  readonly serial: string;
}

async function setScene(t: TestContext, databaseUrl: string): Promise<Scene> {
  const service = await startTestService(t, { databaseUrl, env: limits });
  const ledger = createLedger();
  const { pem: csr } = await makeCsr();
  const serial = await place(service, ledger, { idempotencyKey: randomUUID(), csr });
  await revoke(service, ledger, await place(service, ledger, { idempotencyKey: randomUUID(), csr }));
  return { service, ledger, csr, serial };
}

/** Every kind of request that needs the database. */
function requests({ service, csr, serial }: Scene): readonly (readonly [string, () => Promise<Answer>])[] {
  return [
    ['issue', () => service.call('POST', '/v1/certificates', { body: { csr } })],
    [
      'issue with a key',
      () =>
        service.call('POST', '/v1/certificates', {
          body: { csr },
          headers: { 'Idempotency-Key': randomUUID() },
        }),
    ],
    ['read', () => service.call('GET', `/v1/certificates/${serial}`)],
    ['search', () => service.call('GET', '/v1/certificates?subject=client')],
    [
      'revoke',
      () => service.call('POST', `/v1/certificates/${serial}/revoke`, { body: { reason: 'superseded' } }),
    ],
    ['list tokens', () => service.call('GET', '/v1/tokens')],
    [
      'make a token',
      () => service.call('POST', '/v1/tokens', { body: { name: 'x', grants: [{ role: 'reader' }] } }),
    ],
    [
      'use a token that is not remembered',
      () => service.call('GET', '/v1/authorities', { token: `ica_${'a'.repeat(16)}_${'b'.repeat(43)}` }),
    ],
  ];
}

function assertOutage(answer: Answer, what: string): void {
  const body = answer.body.toString();
  assert.equal(answer.status, 503, `${what}: ${body}`);
  assert.match(answer.headers.get('content-type') ?? '', problemType, what);
  assert.match(answer.headers.get('retry-after') ?? '', /^[1-9]\d*$/, what);
  assert.match(answer.text('type'), /database-unavailable$/, what);
  assert.doesNotMatch(body, /postgres|socket|ECONN|password/i, `${what}: the outage tells too much`);
}

async function assertPublicFilesServed({ service, ledger }: Scene): Promise<void> {
  for (const path of ['/ca/internal-ca.pem', '/ca/internal-ca.crt', '/crl/internal-ca.pem', '/livez']) {
    assert.equal((await service.call('GET', path, { token: null })).status, 200, path);
  }
  await fetchCrl(service, ledger);
}

async function assertNotReady({ service }: Scene): Promise<void> {
  const answer = await service.call('GET', '/readyz', { token: null });
  assert.equal(answer.status, 503, answer.body.toString());
  assert.match(answer.headers.get('retry-after') ?? '', /^\d+$/);
  assert.deepEqual(failingChecks(answer), ['database']);
}

function failingChecks(answer: Answer): unknown[] {
  const report = answer.json();
  assert.ok(typeof report === 'object' && report !== null && 'checks' in report);
  assert.ok(Array.isArray(report.checks));
  return report.checks.filter((check) => check.required && check.status !== 'ok').map((check) => check.name);
}

async function assertRecovered(scene: Scene): Promise<void> {
  const { service, ledger, csr, serial } = scene;
  await eventually(async () => {
    assert.equal((await service.call('GET', '/readyz', { token: null })).status, 200);
  });
  for (const [what, request] of requests(scene).filter(([name]) => !name.startsWith('use a token'))) {
    const { status, body } = await request();
    assert.ok(status === 200 || status === 201, `${what}: ${status} ${body.toString()}`);
  }
  // What the outage may have let through is answered as it stands, and is in the CRL.
  await revoke(service, ledger, serial);
  await revoke(service, ledger, await place(service, ledger, { idempotencyKey: randomUUID(), csr }));
  await eventually(async () => assertListed((await fetchCrl(service, ledger)).serials, ledger));
}

test('a database that is stopped and started again', async (t) => {
  const database = await restartableDatabase(t);
  const scene = await setScene(t, database.url);
  const { pid } = scene.service;
  await stopUnderLoad(database, scene);
  for (let round = 0; round < 2; round++) {
    const answers = await Promise.all(
      requests(scene).map(async ([what, request]) => [what, await request()] as const),
    );
    for (const [what, answer] of answers) assertOutage(answer, what);
    await assertNotReady(scene);
    await assertPublicFilesServed(scene);
  }
  await database.start();
  await assertRecovered(scene);
  assert.equal(scene.service.pid, pid, 'without a restart');
});

/** While the server goes, a request gets its result or a 503, never a 500 and never silence. */
async function stopUnderLoad(database: RestartableDatabase, scene: Scene): Promise<void> {
  const { service, ledger, csr } = scene;
  let going = true;
  const client = async (): Promise<void> => {
    while (going) {
      const order = { idempotencyKey: randomUUID(), csr };
      const answer = await service.call('POST', '/v1/certificates', {
        body: { csr },
        headers: { 'Idempotency-Key': order.idempotencyKey },
      });
      ledger.noteOrder(order);
      if (answer.status === 201) ledger.noteIssued(order, answer);
      else assertOutage(answer, 'issue while the database goes');
    }
  };
  const clients = Promise.all([client(), client(), client(), client()]);
  await eventually(() => assert.ok(ledger.issued.size > 20));
  await database.stop();
  assertOutage(await service.call('POST', '/v1/certificates', { body: { csr } }), 'issue');
  going = false;
  await clients;
}

test('a database that falls silent', async (t) => {
  const database = await restartableDatabase(t);
  const proxy = await startPostgresProxy(t, database.url);
  const scene = await setScene(t, proxy.url);
  proxy.silence();
  const answers = await Promise.all([
    ...requests(scene).map(async ([what, request]) => [what, await request()] as const),
    assertPublicFilesServed(scene),
    assertNotReady(scene),
  ]);
  for (const answered of answers) if (answered !== undefined) assertOutage(answered[1], answered[0]);
  proxy.resume();
  await assertRecovered(scene);
});
