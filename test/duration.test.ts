import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatDuration, parseDuration } from '../src/duration.ts';

const accepted: readonly (readonly [string, number])[] = [
  ['0', 0],
  ['90', 90],
  ['2.5', 2.5],
  ['P7D', 604_800],
  ['P1W', 604_800],
  ['P1Y', 31_536_000],
  ['P1M', 2_592_000],
  ['PT1M', 60],
  ['PT1H30M', 5_400],
  ['P1DT12H', 129_600],
  ['PT0.5S', 0.5],
  ['P1Y2M3W4DT5H6M7S', 31_536_000 + 2 * 2_592_000 + 3 * 604_800 + 4 * 86_400 + 5 * 3_600 + 6 * 60 + 7],
];
for (const [text, seconds] of accepted) {
  test(`${text} is ${seconds} s`, () => assert.equal(parseDuration(text), seconds));
}

for (const text of [
  '',
  'P',
  'PT',
  'P1DT',
  '1d',
  '-1',
  '-P1D',
  'P-1D',
  'P1H',
  'PT1D',
  '1e9',
  ' 5',
  'P1.5D',
  '9'.repeat(65),
  '9'.repeat(30),
]) {
  test(`${JSON.stringify(text)} is no duration`, () => assert.equal(parseDuration(text), undefined));
}

test('what is written is read back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_000_000_000_000 }), (milliseconds) => {
      assert.equal(parseDuration(formatDuration(milliseconds / 1000)), milliseconds / 1000);
    }),
  );
});
