import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DetailedProbeReport } from '../../../src/enforcement/probe/probe-report.ts';
import { createProbeService } from '../../../src/enforcement/probe/probe-service.ts';
import type { VerificationRecord } from '../../../src/enforcement/verification-records.ts';
import { ingress } from '../fixtures.ts';
import { recordOf } from './harness.ts';

function setUp() {
  const tries: { record: VerificationRecord; signal: AbortSignal; done: () => void }[] = [];
  const kept: string[] = [];
  const service = createProbeService({
    records: {
      find: async (_namespace, name) =>
        name === 'gone' ? undefined : recordOf(ingress({ name }), ['a.example']),
    },
    tryDoor: (record, signal) =>
      new Promise<DetailedProbeReport>((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        const { namespace, name, updatedAt: recordUpdatedAt } = record;
        const about = { namespace, name, recordUpdatedAt, probedAt: new Date(0), hosts: [], reasons: [] };
        tries.push({ record, signal, done: () => resolve({ ...about, verdict: 'confirmed' }) });
      }),
    keep: async (record, report) => void kept.push(`${record.name} ${report.verdict}`),
  });
  return { service, tries, kept };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('the report is kept before it is handed out', async () => {
  const { service, tries, kept } = setUp();
  const probing = service.probe('app', 'web');
  await turn();
  tries[0]?.done();
  assert.equal((await probing).verdict, 'confirmed');
  assert.deepEqual(kept, ['web confirmed']);
});

test('an Ingress that is not enforced has no door to try', async () => {
  const { service, tries } = setUp();
  await assert.rejects(service.probe('app', 'gone'), { code: 'client-verification-not-found' });
  assert.deepEqual(tries, []);
});

test('who asks while a door is being tried gets the same answer; who asks later a new one', async () => {
  const { service, tries } = setUp();
  const both = [service.probe('app', 'web'), service.probe('app', 'web')];
  await turn();
  assert.equal(tries.length, 1);
  tries[0]?.done();
  const [one, other] = await Promise.all(both);
  assert.equal(one, other);
  const again = service.probe('app', 'web');
  await turn();
  assert.equal(tries.length, 2);
  tries[1]?.done();
  await again;
});

test('only so many doors are tried at once, and a failure makes room', async () => {
  const { service, tries } = setUp();
  const gone = ['gone', 'gone'].map((name) => assert.rejects(service.probe('app', name)));
  const probing = Array.from({ length: 7 }, (_, index) => service.probe('app', `web-${index}`));
  await Promise.all(gone);
  await turn();
  assert.equal(tries.length, 4);
  for (let done = 0; done < 7; done += 1) {
    tries[done]?.done();
    await turn();
    await turn();
  }
  await Promise.all(probing);
  assert.equal(tries.length, 7);
  const more = Array.from({ length: 5 }, (_, index) => service.probe('app', `later-${index}`));
  await turn();
  assert.equal(tries.length, 11);
  for (let done = 7; done < 12; done += 1) {
    tries[done]?.done();
    await turn();
    await turn();
  }
  await Promise.all(more);
});

test('closing cuts short what is being tried', async () => {
  const { service, kept } = setUp();
  const probing = service.probe('app', 'web');
  await turn();
  service.close();
  await assert.rejects(probing, { code: 'draining' });
  assert.deepEqual(kept, []);
});
