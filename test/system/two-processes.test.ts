import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { makeCsr } from '../support/csr.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { startServiceCluster } from '../support/kubernetes/for-service.ts';
import { stringAt } from '../support/kubernetes/json.ts';
import { newAdminToken, startTestService, type TestService } from '../support/service.ts';
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

interface Pair {
  readonly database: TestDatabase;
  readonly first: TestService;
  readonly second: TestService;
  /** The CRL number of each write of the Secret, by either of them. */
  readonly published: readonly number[];
}

/** Two processes as a Deployment has them: one database, the key in a Secret, and both start at once on nothing. */
async function startPair(t: TestContext): Promise<Pair> {
  const database = await createTestDatabase(t);
  const cluster = await startServiceCluster(t);
  const published: number[] = [];
  cluster.api.admit('recorder', (call, object) => {
    const number = stringAt(object, 'metadata', 'annotations', 'internal-ca.io/crl-number');
    if (call.type.plural === 'secrets' && number !== undefined) published.push(Number(number));
    return undefined;
  });
  const options = {
    databaseUrl: database.url,
    env: { ...cluster.env, CA_KEY_STORE: 'secret', CRL_COALESCE: '0', ADMIN_TOKEN: newAdminToken() },
  };
  const [first, second] = await Promise.all([startTestService(t, options), startTestService(t, options)]);
  return { database, first, second, published };
}

test('two processes on one database act as one CA', async (t) => {
  const { database, first, second, published } = await startPair(t);
  const authorities = await Promise.all(
    [first, second].map((service) => service.call('GET', '/ca/internal-ca.pem', { token: null })),
  );
  assert.equal(authorities[0]?.status, 200);
  assert.deepEqual(authorities[0]?.body, authorities[1]?.body, 'they made one CA between them');

  // One ledger for both: a serial or a CRL number that comes twice with other bytes fails the load.
  const ledger = createLedger();
  const { pem } = await makeCsr();
  const loads = [first, second].map((service) =>
    startLoad(service, ledger, { csrs: [pem], issuers: 3, revokers: 2 }),
  );
  await Promise.all(loads.map((load) => load.answered(150)));
  // One goes without a word, perhaps in the middle of a CRL: the other one takes over what it had acknowledged.
  await first.kill();
  await loads[0]?.stop();
  await loads[1]?.stop();
  await eventually(async () => assertListed((await fetchCrl(second, ledger)).serials, ledger));
  await first.restart();
  assertListed((await fetchCrl(first, ledger)).serials, ledger);
  await assertAllRecorded(first, ledger);
  await repeatAllOrders(second, ledger);
  assert.equal(ledger.issued.size, ledger.orders.size, 'one certificate per order');

  const rows = await database.db.query<{ number: string; this_update: Date }>({
    text: 'select number::text, this_update from crls order by crls.number',
  });
  const times = rows.map((row) => row.this_update.getTime());
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
    'a later CRL is never older',
  );
  const orphans = await database.db.query({
    text: `select serial from revocations r join revocation_changes using (change_id)
      where revoked_at < now() - interval '1 minute' and position > (
        select position from crls where authority = r.authority order by number desc limit 1)`,
  });
  assert.deepEqual(orphans, []);
  const [head] = await database.db.query<{ position: string }>({
    text: 'select position from revocation_head',
  });
  for (const service of [first, second])
    await eventually(async () => assert.equal(await knownPosition(service), head?.position));
  assert.deepEqual(
    published,
    published.toSorted((a, b) => a - b),
    'the Secret never goes back',
  );
  const { number } = await fetchCrl(second, ledger);
  await eventually(() => assert.equal(published.at(-1), Number(number)));
});

/** Of the replica's own memory, which online answers come from. */
async function knownPosition(service: TestService): Promise<string | undefined> {
  const { body } = await service.call('GET', '/metrics');
  return /^internal_ca_revocation_index_position (\d+)$/m.exec(String(body))?.[1];
}

test('one Idempotency-Key at both processes at once gives one certificate', async (t) => {
  const { first, second } = await startPair(t);
  const ledger = createLedger();
  const { pem: csr } = await makeCsr();
  for (let round = 0; round < 20; round++) {
    const order = { idempotencyKey: randomUUID(), csr };
    // The ledger throws when two answers for one key differ.
    await Promise.all([first, second, first, second].map((service) => place(service, ledger, order)));
  }
  assert.equal(ledger.issued.size, 20);
  const serial = [...ledger.issued.keys()][0] ?? '';
  const answers = await Promise.all(
    [first, second].map((service) => service.call('POST', `/v1/certificates/${serial}/revoke`, { body: {} })),
  );
  assert.deepEqual(answers[0]?.json(), answers[1]?.json(), 'one revocation, the same for both');
});

test('a token that one process revokes is refused by the other within 5 seconds', async (t) => {
  const { first, second } = await startPair(t);
  const ledger = createLedger();
  const { pem: csr } = await makeCsr();
  const serial = await place(first, ledger, { idempotencyKey: randomUUID(), csr });
  const made = await first.call('POST', '/v1/tokens', {
    body: { name: 'reader', grants: [{ role: 'reader' }] },
  });
  const token = made.text('token');
  const read = async (service: TestService): Promise<number> =>
    (await service.call('GET', `/v1/certificates/${serial}`, { token })).status;
  assert.equal(await read(second), 200);
  assert.equal(await read(first), 200);
  assert.equal((await first.call('DELETE', `/v1/tokens/${made.text('id')}`)).status, 204);
  assert.equal(await read(first), 401, 'at once where it was revoked');
  // The promise is five seconds after the last look at the database, which was before the revocation.
  await delay(5_000);
  assert.equal(await read(second), 401);
});

test('what one process revokes is soon served by the other', async (t) => {
  const { first, second } = await startPair(t);
  const ledger = createLedger();
  const { pem: csr } = await makeCsr();
  let newest = 0n;
  for (const [by, seenBy] of [
    [first, second],
    [second, first],
  ] as const) {
    await revoke(by, ledger, await place(by, ledger, { idempotencyKey: randomUUID(), csr }));
    const { number } = await eventually(async () => {
      const crl = await fetchCrl(seenBy, ledger);
      assertListed(crl.serials, ledger);
      return crl;
    });
    assert.ok(number > newest);
    newest = number;
  }
});
