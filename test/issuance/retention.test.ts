import assert from 'node:assert/strict';
import test from 'node:test';
import { createRetention } from '../../src/issuance/retention.ts';
import { createTestClock } from '../support/clock.ts';

const clock = createTestClock();

function setUp(rows: number, fail = false) {
  const events: unknown[] = [];
  let left = rows;
  const retention = createRetention({
    name: 'retention',
    records: {
      async deleteExpired(before, limit) {
        if (fail) throw new Error('no database');
        assert.equal(before.getTime(), clock.now() - 86_400_000);
        const deleted = Math.min(left, limit);
        left -= deleted;
        return deleted;
      },
    },
    clock,
    retentionSeconds: 86_400,
    onDeleted: (count) => events.push(count),
    onFailed: (error) => events.push(String(error)),
  });
  return { retention, events, left: () => left };
}

test('a sweep deletes in batches until nothing is left', async () => {
  const { retention, events, left } = setUp(2_500);
  await retention.sweep();
  assert.equal(left(), 0);
  assert.deepEqual(events, [2_500]);
});

test('a sweep that finds nothing says nothing; one that fails is reported and the next one runs', async () => {
  const quiet = setUp(0);
  await quiet.retention.sweep();
  assert.deepEqual(quiet.events, []);
  const failing = setUp(10, true);
  await failing.retention.sweep();
  await failing.retention.sweep();
  assert.deepEqual(failing.events, ['Error: no database', 'Error: no database']);
});

const term = { epoch: 1n, signal: new AbortController().signal, assertCurrent: async () => undefined };

test('stopping ends a long sweep between two batches; the next term sweeps on', async () => {
  const { retention, left } = setUp(1_000_000);
  await retention.start(term);
  await retention.stop();
  const after = left();
  assert.ok(after > 0);
  await retention.start(term);
  await retention.stop();
  assert.ok(left() < after);
});
