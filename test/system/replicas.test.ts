import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { makeCsr } from '../support/csr.ts';
import { eventually } from '../support/eventually.ts';
import {
  assertAllRecorded,
  assertListed,
  createLedger,
  fetchCrl,
  type Ledger,
  repeatAllOrders,
} from './ledger.ts';
import { type Fleet, followSecret, openFleetCluster, type Replica, startFleet } from './replica-fleet.ts';
import { type FleetLoad, startFleetLoad } from './replica-load.ts';

/**
 * Three processes on one database, and one API server: the stand-in, or the cluster of TEST_KUBECONFIG. Leaders are killed,
 * frozen and ended in an order of chance while clients issue and revoke at all of them.
 */

type Fate = 'killed' | 'frozen' | 'ended';

interface Scene {
  readonly fleet: Fleet;
  readonly ledger: Ledger;
  readonly load: FleetLoad;
}

function shuffled(fates: readonly Fate[]): Fate[] {
  return fates
    .map((fate) => ({ fate, rank: Math.random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ fate }) => fate);
}

async function takeAway({ service, name }: Replica, fate: Fate): Promise<void> {
  if (fate === 'killed') return await service.kill();
  if (fate === 'ended') return assert.equal(await service.stop(), 0, `${name} ends cleanly`);
  process.kill(service.pid ?? assert.fail(`${name} does not run`), 'SIGSTOP');
}

async function bringBack({ service }: Replica, fate: Fate): Promise<void> {
  if (fate === 'frozen') process.kill(service.pid ?? assert.fail(), 'SIGCONT');
  else await service.restart();
  await eventually(async () => {
    assert.equal((await service.call('GET', '/readyz', { token: null })).status, 200);
  });
}

/** One leader goes, another one takes over, the others serve on, and the one that went comes back and follows. */
async function changeLeader({ fleet, ledger, load }: Scene, fate: Fate): Promise<string> {
  const former = await fleet.leader();
  const others = fleet.replicas.filter((replica) => replica !== former);
  former.up = false;
  former.disturbances += 1;
  const began = Date.now();
  const gone = takeAway(former, fate);
  const { replica: leader, at } = await fleet.successor(former, began);
  await gone;
  const served = others.map((replica) => load.answers(replica));
  // What is revoked from now on is published by the new leader, while the one of before is still away.
  const revoked = new Set(ledger.revoked);
  await eventually(async () => {
    for (const [index, replica] of others.entries()) {
      assert.ok(load.answers(replica) > (served[index] ?? 0), `${replica.name} serves on`);
      const { serials } = await fetchCrl(replica.service, ledger);
      for (const serial of revoked) assert.ok(serials.has(serial), `${replica.name} lists what was revoked`);
    }
  });
  await bringBack(former, fate);
  former.disturbances += 1;
  former.up = true;
  assert.equal(await fleet.leader(), leader, 'who comes back follows');
  return `${former.name} ${fate}: ${leader.name} leads after ${at - began} ms`;
}

async function sufferFates(t: TestContext, scene: Scene, fates: readonly Fate[]): Promise<void> {
  for (const fate of shuffled(fates)) t.diagnostic(await changeLeader(scene, fate));
  await scene.load.stop();
}

/** What the clients were told holds, at every replica. */
async function assertAllKept(t: TestContext, { fleet, ledger }: Scene): Promise<bigint> {
  const numbers: bigint[] = [];
  for (const { service } of fleet.replicas) {
    const crl = await eventually(async () => {
      const fetched = await fetchCrl(service, ledger);
      assertListed(fetched.serials, ledger);
      return fetched;
    });
    numbers.push(crl.number);
  }
  const service = fleet.replicas[0]?.service ?? assert.fail();
  await assertAllRecorded(service, ledger);
  await repeatAllOrders(service, ledger);
  assert.equal(ledger.issued.size, ledger.orders.size, 'one certificate per order, and no serial twice');
  const rows = await fleet.database.db.query<{ number: string; this_update: Date }>({
    text: 'select number::text, this_update from crls order by crls.number',
  });
  const times = rows.map((row) => row.this_update.getTime());
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
    'a later CRL is never older',
  );
  t.diagnostic(`${ledger.issued.size} certificates, ${ledger.revoked.size} revoked`);
  return numbers.reduce((a, b) => (a > b ? a : b));
}

test('three replicas, elected by a Lease, lose their leaders one after another and nothing else', async (t) => {
  const place = await openFleetCluster(t);
  const ledger = createLedger();
  const fleet = await startFleet(t, place.env);
  const secret = followSecret(t, place, ledger);
  const { pem } = await makeCsr();
  const scene = { fleet, ledger, load: startFleetLoad(fleet, ledger, pem) };
  await sufferFates(t, scene, ['killed', 'frozen', 'ended', 'killed', 'frozen', 'ended']);
  const newest = await assertAllKept(t, scene);
  await eventually(() => assert.ok(secret.newest() >= newest, 'the last CRL is published'));
  secret.assertRising();
});

test('the same without Kubernetes: the database elects', async (t) => {
  const ledger = createLedger();
  const fleet = await startFleet(t, { KUBERNETES: 'off' });
  const { pem } = await makeCsr();
  const scene = { fleet, ledger, load: startFleetLoad(fleet, ledger, pem) };
  await sufferFates(t, scene, ['killed', 'frozen', 'ended']);
  await assertAllKept(t, scene);
});

test('who ends cleanly hands over at once: nobody waits for a lease of minutes', async (t) => {
  const place = await openFleetCluster(t);
  for (const env of [place.env, { KUBERNETES: 'off' }]) {
    const fleet = await startFleet(t, { ...env, LEADERSHIP_LEASE_DURATION: 'PT5M' });
    const former = await fleet.leader();
    const began = Date.now();
    await takeAway(former, 'ended');
    // By the notice of the vacancy, too: a look by itself comes once in a minute.
    const { replica, at } = await fleet.successor(former, began);
    t.diagnostic(`${replica.name} leads after ${at - began} ms`);
  }
});
