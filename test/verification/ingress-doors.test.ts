import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Fault } from '../../src/fault.ts';
import {
  type ClientVerificationRecord,
  type ClientVerificationStore,
  createClientVerificationStore,
} from '../../src/store/client-verifications.ts';
import { createIngressDoors } from '../../src/verification/ingress-doors.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';

const at = new Date('2026-11-23T12:00:00Z');

function record(name: string, settings: object = { mode: 'on' }): ClientVerificationRecord {
  return {
    namespace: 'shop',
    name,
    uid: `uid-${name}`,
    controller: 'ingress-nginx',
    authority: 'internal-ca',
    spec: { settings },
    before: {},
    written: {},
    trouble: [],
    origin: 'api',
    createdAt: at,
    updatedAt: at,
    requester: 'test',
  };
}

async function harness(t: TestContext, change: { rows?: Partial<ClientVerificationStore> } = {}) {
  const { db } = await createTestDatabase(t);
  const store = createClientVerificationStore(db);
  const clock = createTestClock();
  const failures: unknown[] = [];
  const doors = createIngressDoors({
    rows: { ...store, ...change.rows },
    clock,
    intervalMs: 10,
    onFailed: (error) => failures.push(error),
  });
  t.after(() => doors.close());
  return { store, clock, doors, failures };
}

test('doors are as their records say', async (t) => {
  const { store, doors } = await harness(t);
  await store.put(record('web'));
  await store.put(record('open', { mode: 'optional', allow: [{ commonName: 'alice' }] }));
  await store.put(record('newer', { mode: 'on', allow: [{ fingerprint: 'x' }] }));
  await doors.start();
  const base = { header: 'ssl-client-cert', needsTlsVerdict: true, authority: 'internal-ca' };
  assert.deepEqual(doors.find('shop', 'web'), { ...base, certificateRequired: true });
  assert.deepEqual(doors.find('shop', 'open'), {
    ...base,
    certificateRequired: false,
    allow: [{ commonName: 'alice' }],
  });
  // Rules that this program cannot read let nobody in.
  assert.deepEqual(doors.find('shop', 'newer')?.allow, []);
  assert.equal(doors.find('shop', 'none'), undefined);
  assert.equal(doors.find('other', 'web'), undefined);
});

test('what changes is seen by looking, and a new door as soon as it is asked for', async (t) => {
  const { store, doors } = await harness(t);
  await doors.start();
  await store.put(record('web'));
  assert.equal((await doors.findAnew('shop', 'web'))?.certificateRequired, true);
  await store.put(record('web', { mode: 'optional' }));
  await eventually(() => assert.equal(doors.find('shop', 'web')?.certificateRequired, false));
});

test('an Ingress that was given back is answered for another minute', async (t) => {
  const { store, clock, doors } = await harness(t);
  await store.put(record('web'));
  await doors.start();
  await store.delete('shop', 'web');
  await store.put(record('other'));
  await eventually(() => assert.notEqual(doors.find('shop', 'other'), undefined));
  assert.notEqual(doors.find('shop', 'web'), undefined);
  clock.advance(59);
  await doors.findAnew('shop', 'web');
  assert.notEqual(doors.find('shop', 'web'), undefined);
  clock.advance(2);
  await eventually(() => assert.equal(doors.find('shop', 'web'), undefined));
  await store.put(record('web'));
  assert.notEqual(await doors.findAnew('shop', 'web'), undefined);
});

test('nothing is read again where nothing has changed', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createClientVerificationStore(db);
  await store.put(record('web'));
  const asked = { version: 0, list: 0 };
  const doors = createIngressDoors({
    rows: {
      version: () => {
        asked.version++;
        return store.version();
      },
      list: () => {
        asked.list++;
        return store.list();
      },
    },
    clock: createTestClock(),
    intervalMs: 1,
    onFailed: () => undefined,
  });
  t.after(() => doors.close());
  await doors.start();
  await eventually(() => assert.ok(asked.version > 5));
  assert.equal(asked.list, 1);
});

test('while the database is away the doors stay as they are known', async (t) => {
  const away = { is: false };
  const unavailable = (): never => {
    throw new Fault('database-unavailable', 'away');
  };
  const { db } = await createTestDatabase(t);
  const store = createClientVerificationStore(db);
  const { doors, failures } = await harness(t, {
    rows: { version: async () => (away.is ? unavailable() : store.version()), list: () => store.list() },
  });
  await store.put(record('web'));
  await doors.start();
  away.is = true;
  await assert.rejects(doors.findAnew('shop', 'new'), /away/);
  await assert.rejects(doors.findAnew('shop', 'new'), /away/);
  assert.notEqual(doors.find('shop', 'web'), undefined);
  assert.equal(failures.length, 1);
  away.is = false;
  await store.put(record('new'));
  assert.notEqual(await doors.findAnew('shop', 'new'), undefined);
});

test('whoever waits for a look is told when there will be none', async (t) => {
  const { doors } = await harness(t);
  await doors.start();
  await doors.close();
  await assert.rejects(doors.findAnew('shop', 'web'), /shutting down/);
});

test('the version changes with every write, also where one row goes as another comes', async (t) => {
  const { store } = await harness(t);
  const seen = new Set([await store.version()]);
  for (const write of [
    () => store.put(record('a')),
    () => store.put(record('a')),
    () => store.put(record('b')),
    () => store.delete('shop', 'a'),
    () => store.put(record('a')),
  ]) {
    await write();
    const version = await store.version();
    assert.ok(!seen.has(version));
    seen.add(version);
  }
  assert.equal(await store.version(), [...seen].at(-1));
});
