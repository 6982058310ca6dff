import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../../src/fault.ts';
import { createHealth, type HealthCheck } from '../../src/observability/health.ts';

const settle = () => new Promise((resolve) => setImmediate(resolve));

function checkOf(name: string, check: () => Promise<void>, required = true): HealthCheck {
  return { name, required, check };
}

const fine = async (): Promise<void> => {};

test('ready when every required check is well', async () => {
  const health = createHealth({
    clock: { now: () => 0 },
    checks: [
      checkOf('database', fine),
      checkOf('publication', () => Promise.reject(new Error('connect 10.0.0.1')), false),
    ],
  });
  assert.deepEqual(await health.report(), {
    ready: true,
    checks: [
      { name: 'database', required: true, status: 'ok' },
      { name: 'publication', required: false, status: 'failing', detail: 'failed; see the log' },
    ],
  });
});

test('a required check that fails is named, with the words of its fault', async () => {
  const away = () => Promise.reject(new Fault('database-unavailable', 'the database is away'));
  const health = createHealth({ clock: { now: () => 0 }, checks: [checkOf('database', away)] });
  assert.deepEqual(await health.report(), {
    ready: false,
    checks: [{ name: 'database', required: true, status: 'failing', detail: 'the database is away' }],
  });
});

test('a result stands for a second, then it is asked for again', async () => {
  let now = 1_000;
  let asked = 0;
  const health = createHealth({
    clock: { now: () => now },
    checks: [checkOf('database', async () => void asked++)],
  });
  await health.report();
  now += 999;
  await health.report();
  assert.equal(asked, 1);
  now += 1;
  await health.report();
  assert.equal(asked, 2);
});

test('a clock that was set back does not freeze a result', async () => {
  let now = 1_000_000;
  let asked = 0;
  const health = createHealth({
    clock: { now: () => now },
    checks: [checkOf('database', async () => void asked++)],
  });
  await health.report();
  now = 0;
  await health.report();
  assert.equal(asked, 2);
});

test('a check that hangs fails in time, is not piled up, and is tried afresh in the end', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 0;
  let asked = 0;
  const hang = () => {
    asked++;
    return new Promise<void>(() => {});
  };
  const health = createHealth({ clock: { now: () => now }, checks: [checkOf('database', hang)] });
  const late = { name: 'database', required: true, status: 'failing', detail: 'no answer in time' };
  const probe = async (): Promise<void> => {
    const reporting = health.report();
    t.mock.timers.tick(1_500);
    assert.deepEqual(await reporting, { ready: false, checks: [late] });
  };
  await probe();
  now += 10_000;
  await probe();
  assert.equal(asked, 1);
  now += 10_000;
  await probe();
  assert.equal(asked, 2);
});

test('a late answer is used by the next probe', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let answer = (): void => {};
  const slow = () =>
    new Promise<void>((resolve) => {
      answer = resolve;
    });
  const health = createHealth({ clock: { now: () => 0 }, checks: [checkOf('database', slow)] });
  const first = health.report();
  t.mock.timers.tick(1_500);
  assert.equal((await first).ready, false);
  answer();
  await settle();
  assert.equal((await health.report()).ready, true);
});

test('draining is not ready, whatever the checks say', async () => {
  const health = createHealth({ clock: { now: () => 0 }, checks: [checkOf('database', fine)] });
  health.drain();
  const report = await health.report();
  assert.equal(report.ready, false);
  assert.deepEqual(report.checks[0], {
    name: 'draining',
    required: true,
    status: 'failing',
    detail: 'the service is shutting down',
  });
});
