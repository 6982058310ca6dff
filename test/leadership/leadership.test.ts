import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createLeadershipStore, NotLeading } from '../../src/store/leadership.ts';
import { createTestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { createReplica, type Journal, leaseMs, type Replica, type ReplicaOptions } from './replicas.ts';

interface Scene {
  readonly a: Replica;
  readonly b: Replica;
  readonly journal: Journal;
  readonly record: ReturnType<typeof createLeadershipStore>['read'];
}

async function setScene(t: TestContext, options: ReplicaOptions = {}): Promise<Scene> {
  const { db } = await createTestDatabase(t);
  const journal: Journal = [];
  return {
    a: createReplica(t, db, 'a', journal, options),
    b: createReplica(t, db, 'b', journal, options),
    journal,
    record: createLeadershipStore(db).read,
  };
}

/** One leads, the other one has seen it. */
async function startBoth(scene: Scene): Promise<void> {
  await scene.a.start();
  await scene.b.start();
  assert.deepEqual(scene.journal, ['a works']);
}

const leads = ({ leadership }: Replica): boolean => leadership.status().leading;

async function takesOver(replica: Replica): Promise<void> {
  await eventually(() => assert.ok(leads(replica), `${replica.name} does not lead`));
}

test('the first leads at once, and the others do not', async (t) => {
  const { a, b, journal } = await setScene(t);
  await a.start();
  assert.deepEqual(journal, ['a works'], 'when the start is over, the work has begun');
  await b.start();
  await delay(2 * leaseMs);
  assert.deepEqual(journal, ['a works']);
  assert.equal(b.leadership.term, undefined);
  const { epoch } = a.leadership.term ?? assert.fail('a does not lead');
  const status = a.leadership.status();
  assert.deepEqual([status.leading, status.epoch, status.electedBy], [true, epoch, 'database']);
  assert.ok(status.since instanceof Date);
  assert.deepEqual(b.leadership.status(), { leading: false, epoch, holder: 'a', electedBy: 'database' });
  assert.equal(await b.leadership.currentEpoch(), epoch);
  await a.leadership.term?.assertCurrent();
});

test('who ends cleanly ends its work first, and the next one leads without waiting', async (t) => {
  const scene = await setScene(t);
  const { a, b, journal } = scene;
  await startBoth(scene);
  const { epoch } = a.leadership.term ?? assert.fail('a does not lead');
  const term = a.term;
  await a.leadership.close();
  assert.equal((await scene.record())?.holder, undefined);
  assert.equal(term?.signal.aborted, true);
  b.leadership.wake();
  await takesOver(b);
  assert.deepEqual(journal, ['a works', 'a is told', 'a stops', 'b works']);
  assert.ok((b.leadership.term?.epoch ?? 0n) > epoch);
  await assert.rejects(async () => term?.assertCurrent(), NotLeading);
});

test('who cannot renew stops by itself, before another one begins', async (t) => {
  const scene = await setScene(t);
  const { a, b, journal } = scene;
  await startBoth(scene);
  a.connected = false;
  await takesOver(b);
  assert.deepEqual(journal, ['a works', 'a is told', 'a stops', 'b works']);
  a.connected = true;
  await delay(leaseMs);
  assert.ok(!leads(a), 'it finds out and leaves it at that');
  assert.equal(journal.length, 4);
});

test('an outage of the database that is shorter than the time of a lease costs no term', async (t) => {
  const scene = await setScene(t);
  await startBoth(scene);
  scene.a.connected = false;
  scene.b.connected = false;
  await delay(leaseMs / 4);
  scene.a.connected = true;
  scene.b.connected = true;
  await delay(2 * leaseMs);
  assert.deepEqual(scene.journal, ['a works']);
});

test('after an outage for all one of them leads again, in a new term', async (t) => {
  const scene = await setScene(t);
  const { a, b, journal } = scene;
  await startBoth(scene);
  const before = a.leadership.status().epoch;
  a.connected = false;
  b.connected = false;
  await eventually(() => assert.deepEqual(journal, ['a works', 'a is told', 'a stops']));
  a.connected = true;
  b.connected = true;
  const leader = await eventually(() => [a, b].find(leads) ?? assert.fail('nobody leads'));
  assert.ok(leader.leadership.status().epoch > before);
  assert.deepEqual(journal.slice(3), [`${leader.name} works`]);
});

test('a new term of the same process waits until the work of the old one has ended', async (t) => {
  const gate = Promise.withResolvers<void>();
  t.after(() => gate.resolve());
  const { a, journal } = await setScene(t);
  a.mayStop = gate.promise;
  await a.start();
  a.connected = false;
  await eventually(() => assert.deepEqual(journal, ['a works', 'a is told']));
  a.connected = true;
  await delay(2 * leaseMs);
  assert.deepEqual(journal, ['a works', 'a is told'], 'it still stops');
  gate.resolve();
  await takesOver(a);
  assert.deepEqual(journal, ['a works', 'a is told', 'a stops', 'a works']);
});

test('work that does not begin is begun again', async (t) => {
  const { a, journal } = await setScene(t);
  a.failures = 2;
  await a.start();
  assert.deepEqual(journal, []);
  await eventually(() => assert.deepEqual(journal, ['a works']));
  assert.ok(leads(a));
});

test('a term that another replica has ended is found out before a write', async (t) => {
  const { db } = await createTestDatabase(t);
  const journal: Journal = [];
  const a = createReplica(t, db, 'a', journal);
  await a.start();
  const term = a.term ?? assert.fail('a does not lead');
  await createLeadershipStore(db).claim('b', leaseMs, () => true);
  await assert.rejects(term.assertCurrent(), NotLeading);
  assert.equal(term.signal.aborted, true);
  assert.equal(a.leadership.term, undefined);
});

test('a question about the term that cannot be asked is no answer', async (t) => {
  const { a } = await setScene(t);
  await a.start();
  const term = a.term ?? assert.fail('a does not lead');
  a.connected = false;
  await assert.rejects(term.assertCurrent(), { code: 'database-unavailable' });
  assert.equal(term.signal.aborted, false);
});

test('who resigns goes behind the others', async (t) => {
  const scene = await setScene(t);
  const { a, b, journal } = scene;
  await startBoth(scene);
  a.leadership.resign('it cannot do the work');
  await takesOver(b);
  assert.deepEqual(journal, ['a works', 'a is told', 'a stops', 'b works']);
  await delay(2 * leaseMs);
  assert.equal(journal.length, 4);
});

test('who resigns and finds nobody else leads again', async (t) => {
  const { a, journal } = await setScene(t);
  await a.start();
  a.leadership.resign('it cannot do the work');
  await takesOver(a);
  assert.deepEqual(journal, ['a works', 'a is told', 'a stops', 'a works']);
});

test('who is alone with its database takes over at once, and never resigns', async (t) => {
  const { db } = await createTestDatabase(t);
  const journal: Journal = [];
  await createLeadershipStore(db).claim('killed', 3_600_000, () => true);
  const a = createReplica(t, db, 'a', journal, { alone: true });
  await a.start();
  assert.deepEqual(journal, ['a works']);
  a.leadership.resign('nobody else is there');
  await delay(leaseMs);
  assert.deepEqual(journal, ['a works']);
});

test('with a Lease only its holder leads', async (t) => {
  const { a, b, journal } = await setScene(t, { withLease: true });
  await a.start();
  b.vote = 'held';
  await b.start();
  await delay(2 * leaseMs);
  assert.deepEqual(journal, ['b works']);
  assert.equal(b.leadership.status().electedBy, 'lease');
});

test('the loss of the Lease ends the term, and the row is given up for the next one', async (t) => {
  const { a, b, journal } = await setScene(t, { withLease: true });
  a.vote = 'held';
  await a.start();
  await b.start();
  a.vote = 'other';
  b.vote = 'held';
  await takesOver(b);
  await eventually(() => assert.ok(journal.includes('a stops')));
  assert.ok(!leads(a));
  assert.ok(journal.indexOf('a is told') < journal.indexOf('b works'), journal.join());
});

test('who holds the Lease waits for a leader that lives on in the database alone', async (t) => {
  const { a, b, journal } = await setScene(t, { withLease: true });
  a.vote = 'held';
  await a.start();
  // Cut off from the API server, it renews in the database; the Lease runs out, and goes to the other one.
  a.vote = 'away';
  await delay(2 * leaseMs);
  assert.ok(leads(a), 'CRLs go on while the API server is away');
  assert.equal(a.leadership.status().electedBy, 'database');
  b.vote = 'held';
  await b.start();
  await takesOver(b);
  assert.deepEqual(journal, ['a works', 'a is told', 'a stops', 'b works']);
});

test('with the API server away the database elects', async (t) => {
  const scene = await setScene(t, { withLease: true });
  const { a, b, journal } = scene;
  a.vote = 'away';
  b.vote = 'away';
  await startBoth(scene);
  a.connected = false;
  await takesOver(b);
  assert.deepEqual(journal, ['a works', 'a is told', 'a stops', 'b works']);
});

test('who holds the Lease leads on while the database is away, and begins nothing new', async (t) => {
  const { a, b, journal } = await setScene(t, { withLease: true });
  a.vote = 'held';
  await a.start();
  a.connected = false;
  b.connected = false;
  await b.start();
  await delay(3 * leaseMs);
  assert.deepEqual(journal, ['a works']);
  assert.ok(leads(a));
  a.vote = 'other';
  b.vote = 'held';
  await eventually(() => assert.deepEqual(journal, ['a works', 'a is told', 'a stops']));
  await delay(leaseMs);
  assert.ok(!leads(b), 'no term without a number');
});
