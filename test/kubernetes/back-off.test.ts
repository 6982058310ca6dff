import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createBackOff } from '../../src/kubernetes/back-off.ts';

it('pauses double up to the maximum, are shortened by up to a half, and start again after a success', () => {
  let random = 0;
  const backOff = createBackOff({ initialMs: 100, maxMs: 1000, random: () => random });
  assert.deepEqual(
    Array.from({ length: 6 }, () => backOff.next()),
    [100, 200, 400, 800, 1000, 1000],
  );
  random = 1;
  assert.equal(backOff.next(), 500);
  for (let i = 0; i < 5000; i += 1) backOff.next();
  assert.equal(backOff.next(), 500);
  backOff.reset();
  assert.equal(backOff.next(), 50);
});
