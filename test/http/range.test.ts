import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRange } from '../../src/http/range.ts';

test('one range of bytes, of ten', () => {
  const ranges: Record<string, [number, number]> = {
    'bytes=0-0': [0, 1],
    'bytes=0-9': [0, 10],
    'bytes=0-': [0, 10],
    'bytes=9-': [9, 10],
    'bytes=2-5': [2, 6],
    'bytes=2-999999999999999999999': [2, 10],
    'bytes=-1': [9, 10],
    'bytes=-10': [0, 10],
    'bytes=-99': [0, 10],
    'BYTES=2-5': [2, 6],
    'bytes= 2-5 ': [2, 6],
  };
  for (const [field, [start, end]] of Object.entries(ranges))
    assert.deepEqual(parseRange(field, 10), { start, end }, field);
});

test('what lies behind the end cannot be had', () => {
  for (const field of ['bytes=10-', 'bytes=10-20', 'bytes=999999999999999999999-', 'bytes=-0'])
    assert.equal(parseRange(field, 10), 'unsatisfiable', field);
  assert.equal(parseRange('bytes=0-', 0), 'unsatisfiable');
  assert.equal(parseRange('bytes=-5', 0), 'unsatisfiable');
});

test('several ranges, other units and what is malformed are passed over', () => {
  for (const field of [
    'bytes=0-1,3-4',
    'bytes=0-1, bytes=3-4',
    'bytes=5-2',
    'bytes=',
    'bytes=-',
    'bytes=a-b',
    'bytes=1',
    'bytes=+1-2',
    'bytes 0-1/10',
    'items=0-1',
    '',
  ])
    assert.equal(parseRange(field, 10), undefined, field);
  assert.equal(parseRange(undefined, 10), undefined);
});
