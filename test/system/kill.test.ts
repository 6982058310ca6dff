import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { makeCsr } from '../support/csr.ts';
import { temporaryDataDirectory } from '../support/postgres-server.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { spawnService } from '../support/service-process.ts';
import {
  assertAllRecorded,
  assertListed,
  createLedger,
  fetchCrl,
  place,
  repeatAllOrders,
  revoke,
} from './ledger.ts';
import { startLoad } from './load.ts';

/** After how many answers each round ends, and whether PostgreSQL is killed with the service. */
const rounds = [
  { answers: 5, databaseToo: false },
  { answers: 120, databaseToo: true },
  { answers: 250, databaseToo: false },
  { answers: 60, databaseToo: true },
  { answers: 400, databaseToo: false },
];

test('kill -9 under load loses nothing that a client was told', async (t) => {
  const service = await startTestService(t, { env: { CRL_COALESCE: '0' } });
  const ledger = createLedger();
  const csrs = (await Promise.all([1, 2, 3].map((n) => makeCsr({ subject: `CN=client-${n}` })))).map(
    ({ pem }) => pem,
  );
  let { number } = await fetchCrl(service, ledger);
  for (const { answers, databaseToo } of rounds) {
    // So that each round has a revocation that was acknowledged, however early it ends.
    await revoke(
      service,
      ledger,
      await place(service, ledger, { idempotencyKey: `${answers}`, csr: csrs[0] ?? '' }),
    );
    const load = startLoad(service, ledger, { csrs, issuers: 8, revokers: 3 });
    await load.answered(answers);
    const postgres = databaseToo ? await postgresPid(service) : undefined;
    // The service first: with only the database gone it would rightly answer 503, which the load takes for a fault.
    const gone = service.kill();
    if (postgres !== undefined) process.kill(postgres, 'SIGKILL');
    await gone;
    await load.stop();
    await service.restart();
    // The first CRL after the start.
    const crl = await fetchCrl(service, ledger);
    assertListed(crl.serials, ledger);
    assert.ok(crl.number > number, `CRL ${crl.number} after CRL ${number}`);
    number = crl.number;
  }
  await assertAllRecorded(service, ledger);
  const delivered = ledger.issued.size;
  await repeatAllOrders(service, ledger);
  assert.equal(ledger.issued.size, ledger.orders.size, 'one certificate per order');
  assert.ok(delivered > 200, `only ${delivered} certificates were delivered`);
  assert.equal(await countCertificates(service), ledger.issued.size, 'rows that no order explains');
});

test('kill -9 at any moment of the first start leaves a service that starts', async (t) => {
  const dataDirectory = await temporaryDataDirectory();
  const env = { DATA_DIR: dataDirectory, PORT: '0', KUBERNETES: 'off' };
  for (const milliseconds of [50, 200, 400, 600, 800, 1_000]) {
    const child = await spawnService(env);
    await Promise.race([delay(milliseconds), child.ready]);
    await child.kill();
  }
  const service = await startTestService(t, { dataDirectory });
  const ledger = createLedger();
  const { pem } = await makeCsr();
  await revoke(service, ledger, await place(service, ledger, { idempotencyKey: 'first', csr: pem }));
  const authority = await service.call('GET', '/ca/internal-ca.pem', { token: null });
  await service.restart();
  assertListed((await fetchCrl(service, ledger)).serials, ledger);
  const again = await service.call('GET', '/ca/internal-ca.pem', { token: null });
  assert.deepEqual(again.body, authority.body, 'the CA is the same after a restart');
});

async function postgresPid(service: TestService): Promise<number> {
  const text = await readFile(join(service.dataDirectory, 'postgres/data/postmaster.pid'), 'utf8');
  return Number(text.split('\n')[0]);
}

/** Those of the load: the service's own, which OCSP answers are signed with, have another profile. */
async function countCertificates(service: TestService): Promise<number> {
  let count = 0;
  for (let cursor = ''; ; ) {
    const query = `profile=client&limit=500${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
    const page = (await service.call('GET', `/v1/certificates?${query}`)).json();
    assert.ok(isPage(page));
    count += page.items.length;
    if (page.nextCursor === undefined) return count;
    cursor = page.nextCursor;
  }
}

function isPage(value: unknown): value is { items: unknown[]; nextCursor?: string } {
  return typeof value === 'object' && value !== null && 'items' in value && Array.isArray(value.items);
}
