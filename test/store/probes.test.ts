import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClientVerificationStore } from '../../src/store/client-verifications.ts';
import type { Database } from '../../src/store/database.ts';
import { createProbeStore, type ProbeRecord } from '../../src/store/probes.ts';
import { createTestDatabase } from '../support/database.ts';
import { daysFrom, start } from './records.ts';

const report: ProbeRecord = {
  namespace: 'shop',
  name: 'web',
  verdict: 'confirmed',
  probedAt: daysFrom(start, 1),
  recordUpdatedAt: start,
  report: { hosts: [{ host: 'a.example' }], reasons: [] },
};

/** A client verification, to which a report may belong. */
async function enforce(db: Database, name = 'web', updatedAt = start, state = 'applied'): Promise<void> {
  await createClientVerificationStore(db).put({
    namespace: 'shop',
    name,
    uid: 'u-1',
    controller: 'ingress-nginx',
    authority: 'internal-ca',
    spec: { state },
    before: {},
    written: {},
    origin: 'api',
    trouble: [],
    createdAt: start,
    updatedAt,
    requester: 'token:a',
  });
}

test('a report comes back as it was put, and tells the verdict that it replaces', async (t) => {
  const { db } = await createTestDatabase(t);
  await enforce(db);
  const store = createProbeStore(db);
  assert.equal(await store.put(report), null);
  assert.deepEqual(await store.find('shop', 'web'), report);
  const next = { ...report, verdict: 'contradicted', probedAt: daysFrom(start, 2), report: {} };
  assert.equal(await store.put(next), 'confirmed');
  assert.deepEqual(await store.list(), [next]);
  assert.equal(await store.find('shop', 'other'), undefined);
});

test('a report goes with its client verification, and none comes without one', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createProbeStore(db);
  assert.equal(await store.put(report), undefined);
  assert.deepEqual(await store.list(), []);
  await enforce(db);
  await store.put(report);
  await createClientVerificationStore(db).delete('shop', 'web');
  assert.deepEqual(await store.list(), []);
});

test('a report about an earlier wish is not kept', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createProbeStore(db);
  await enforce(db);
  await store.put(report);
  await enforce(db, 'web', daysFrom(start, 1));
  assert.equal(await store.put({ ...report, verdict: 'contradicted' }), undefined);
  assert.deepEqual(await store.list(), [report]);
});

test('the schedule has what is applied, and only reports about the present record', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createProbeStore(db);
  await enforce(db, 'a');
  await enforce(db, 'b', start, 'applying');
  await enforce(db, 'c');
  await store.put({ ...report, name: 'a', verdict: 'contradicted' });
  await store.put({ ...report, name: 'c', verdict: 'contradicted' });
  await enforce(db, 'c', daysFrom(start, 3));
  const [a, c, ...more] = await store.schedule();
  assert.deepEqual(more, []);
  assert.deepEqual([a?.name, a?.verdict], ['a', 'contradicted']);
  assert.ok(a !== undefined && a.secondsAgo !== null && a.secondsAgo >= 0 && a.secondsAgo < 3600);
  assert.deepEqual(c, {
    namespace: 'shop',
    name: 'c',
    recordUpdatedAt: daysFrom(start, 3),
    verdict: null,
    secondsAgo: null,
  });
  assert.equal(await store.count('contradicted'), 1);
  assert.equal(await store.count('confirmed'), 0);
});

test('a try that told nothing moves the next one, not the report', async (t) => {
  const { db } = await createTestDatabase(t);
  const store = createProbeStore(db);
  await enforce(db);
  await store.put(report);
  await db.query({ text: "update probes set tried_at = now() - interval '1 hour'" });
  const [before] = await store.schedule();
  assert.ok((before?.secondsAgo ?? 0) >= 3600);
  await store.touch('shop', 'web');
  const [after] = await store.schedule();
  assert.ok(after !== undefined && after.secondsAgo !== null && after.secondsAgo < 3600);
  assert.deepEqual(await store.find('shop', 'web'), report);
});
