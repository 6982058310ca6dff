import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createNotifications, type Notice, type Notifications } from '../../src/store/notifications.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';

interface Ear {
  readonly notifications: Notifications;
  readonly heard: Notice[];
  readonly connections: () => number;
  readonly lost: unknown[];
}

function open(t: TestContext, { url, db }: TestDatabase, pingMs = 30_000): Ear {
  const heard: Notice[] = [];
  const lost: unknown[] = [];
  let connections = 0;
  const notifications = createNotifications({
    url,
    database: db,
    connectTimeoutMs: 5_000,
    retry: { initialMs: 20, maxMs: 200 },
    pingMs,
    onLost: (error) => lost.push(error),
  });
  t.after(() => notifications.close());
  notifications.listen({
    onNotice: (notice) => heard.push(notice),
    onListening: () => {
      connections += 1;
    },
  });
  return { notifications, heard, connections: () => connections, lost };
}

const revoked: Notice = { kind: 'revoked', authority: 'internal-ca', urgent: true };
const crl: Notice = { kind: 'crl', authority: 'internal-ca' };

test('what one replica sends all hear', async (t) => {
  const database = await createTestDatabase(t);
  const ears = [open(t, database), open(t, database)];
  await eventually(() =>
    assert.deepEqual(
      ears.map((ear) => ear.connections()),
      [1, 1],
    ),
  );
  for (const notice of [revoked, crl, { kind: 'vacant' } as const]) ears[0]?.notifications.send(notice);
  for (const ear of ears)
    await eventually(() => assert.deepEqual(ear.heard, [revoked, crl, { kind: 'vacant' }]));
});

test('a storm of the same notice goes out as a few', async (t) => {
  const database = await createTestDatabase(t);
  const ear = open(t, database);
  await eventually(() => assert.equal(ear.connections(), 1));
  for (let count = 0; count < 1_000; count++) ear.notifications.send(crl);
  ear.notifications.send(revoked);
  await eventually(() => assert.ok(ear.heard.some((notice) => notice.kind === 'revoked')));
  assert.ok(ear.heard.length <= 3, `${ear.heard.length} notices`);
});

test('a connection that breaks is made again, and its owner told that notices may be missing', async (t) => {
  const database = await createTestDatabase(t);
  const ear = open(t, database);
  await eventually(() => assert.equal(ear.connections(), 1));
  await database.db.query({
    text: `select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'internal-ca listen' and datname = current_database()`,
  });
  await eventually(() => assert.equal(ear.connections(), 2));
  assert.ok(ear.lost.length > 0);
  ear.notifications.send(crl);
  await eventually(() => assert.deepEqual(ear.heard, [crl]));
});

test('what others write to the channel is not taken for ours', async (t) => {
  const database = await createTestDatabase(t);
  const ear = open(t, database);
  await eventually(() => assert.equal(ear.connections(), 1));
  for (const payload of [
    '',
    '{',
    '[]',
    'null',
    '{"kind":"crl"}',
    '{"kind":"crl","authority":7}',
    '{"kind":"x","authority":"a"}',
  ])
    await database.db.query({ text: `select pg_notify('internal_ca', $1)`, values: [payload] });
  ear.notifications.send(crl);
  await eventually(() => assert.deepEqual(ear.heard, [crl]));
});

test('a database that is away costs nobody anything, and closing ends it all', async (t) => {
  const heard: Notice[] = [];
  const lost: unknown[] = [];
  const notifications = createNotifications({
    url: 'postgresql://nobody:nothing@127.0.0.1:1/none',
    database: {
      query: async () => {
        throw new Error('away');
      },
    },
    connectTimeoutMs: 1_000,
    retry: { initialMs: 10, maxMs: 20 },
    pingMs: 1_000,
    onLost: (error) => lost.push(error),
  });
  t.after(() => notifications.close());
  notifications.listen({
    onNotice: (notice) => heard.push(notice),
    onListening: () => assert.fail('connected'),
  });
  notifications.send(crl);
  await eventually(() => assert.ok(lost.length >= 2, 'it tries again'));
  await notifications.close();
  const count = lost.length;
  await delay(100);
  assert.equal(lost.length, count);
});
