import assert from 'node:assert/strict';
import { test } from 'node:test';
import { editDistance, nearest } from '../../src/config/nearest.ts';

test('insertions, deletions, replacements and swaps count one each', () => {
  assert.equal(editDistance('port', 'port'), 0);
  assert.equal(editDistance('prt', 'port'), 1);
  assert.equal(editDistance('porrt', 'port'), 1);
  assert.equal(editDistance('pork', 'port'), 1);
  assert.equal(editDistance('oprt', 'port'), 1);
  assert.equal(editDistance('', 'port'), 4);
  assert.equal(editDistance('kitten', 'sitting'), 3);
});

test('the nearest word within the limit is given', () => {
  assert.equal(nearest('crl.overlp', ['crl.validity', 'crl.overlap'], 3), 'crl.overlap');
  assert.equal(nearest('anything', ['crl.validity', 'crl.overlap'], 3), undefined);
});
