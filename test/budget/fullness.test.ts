import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFullness } from '../../src/budget/fullness.ts';

test('it warns at 70 and at 90 per cent, once each time that they are reached', () => {
  const told: number[] = [];
  const fullness = createFullness({
    log: { warn: () => undefined },
    events: { nearlyFull: (percent) => void told.push(percent) },
  });
  const note = (percent: number): void =>
    fullness.note({
      ...{ stage: 'full', form: 'full', withoutCrl: [], limitBytes: 1_000, usedBytes: percent * 10 },
      ...{ leftBytes: 1_000 - percent * 10, entriesLeft: 1, forecastDays: null },
    });
  for (const percent of [69, 70, 71, 89, 90, 95, 89, 90, 50, 70]) note(percent);
  assert.deepEqual(told, [70, 90, 90, 70]);
});
