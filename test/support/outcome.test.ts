import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { Outcome } from './outcome.ts';

interface Counts {
  tests: number;
  passed: number;
  skipped: number;
  todo: number;
}

function outcomeOf(counts: Counts, passes: readonly object[] = []): Outcome {
  const stream = new EventEmitter();
  const outcome = new Outcome((file) => file.replace('/root/', ''));
  outcome.follow(stream);
  for (const pass of passes) stream.emit('test:pass', pass);
  stream.emit('test:summary', { counts });
  return outcome;
}

test('a run without a failure succeeds, and its last line counts', () => {
  const outcome = outcomeOf({ tests: 3, passed: 3, skipped: 0, todo: 0 });
  assert.equal(outcome.succeeded(true), true);
  assert.equal(outcome.summary(true), '\n3 passed, 0 failed, 0 skipped\n');
});

test('failed and cancelled tests both fail the run', () => {
  const outcome = outcomeOf({ tests: 3, passed: 1, skipped: 0, todo: 0 });
  assert.equal(outcome.succeeded(false), false);
  assert.equal(outcome.summary(false), '\n1 passed, 2 failed, 0 skipped\n');
});

test('a run in which nothing passed is not a success', () => {
  assert.equal(outcomeOf({ tests: 0, passed: 0, skipped: 0, todo: 0 }).succeeded(false), false);
  assert.equal(new Outcome((file) => file).succeeded(false), false);
});

test('a skip is listed with its reason, and in CI it fails the run', () => {
  const outcome = outcomeOf({ tests: 3, passed: 1, skipped: 1, todo: 1 }, [
    { name: 'ran', file: '/root/test/a.test.ts' },
    { name: 'asks openssl', file: '/root/test/a.test.ts', skip: 'openssl is not installed' },
    { name: 'some day', file: '/root/test/b.test.ts', todo: true },
  ]);
  assert.equal(outcome.succeeded(false), true);
  assert.equal(outcome.succeeded(true), false);
  assert.deepEqual(outcome.summary(true).trim().split('\n'), [
    'NOT RUN  test/a.test.ts: asks openssl: openssl is not installed',
    '  NOT RUN  test/b.test.ts: some day: no reason given',
    '  In CI a test that is not run is a failure.',
    '1 passed, 0 failed, 2 skipped',
  ]);
});
