import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBoundedCache } from '../../src/verification/certificate-cache.ts';

test('what has not been used for longest goes first', () => {
  const cache = createBoundedCache<number>(30);
  for (const n of [1, 2, 3]) cache.set(`k${n}`, n, 10);
  assert.equal(cache.get('k1'), 1);
  cache.set('k4', 4, 10);
  assert.equal(cache.get('k2'), undefined);
  assert.deepEqual(
    ['k1', 'k3', 'k4'].map((key) => cache.get(key)),
    [1, 3, 4],
  );
  assert.equal(cache.size, 3);
});

test('a value counts for as much as it is, also when it replaces another', () => {
  const cache = createBoundedCache<number>(30);
  cache.set('a', 1, 10);
  cache.set('a', 2, 20);
  cache.set('b', 3, 10);
  assert.deepEqual([cache.get('a'), cache.get('b'), cache.size], [2, 3, 2]);
  cache.set('large', 4, 31);
  assert.deepEqual([cache.get('large'), cache.size], [undefined, 2]);
  cache.set('c', 5, 30);
  assert.deepEqual([cache.get('c'), cache.size], [5, 1]);
});
