import assert from 'node:assert/strict';
import { test } from 'node:test';
import { daysLeft } from '../../src/budget/forecast.ts';
import { budgetOf } from '../../src/budget/secret-budget.ts';
import { createMaterialSource } from '../support/trust-material.ts';

const days = (...bytes: number[]) => bytes.map((each, i) => ({ day: 20_000 + i, bytes: each }));

test('the rate of growth tells how many days are left', () => {
  assert.equal(daysLeft(days(0, 100, 200, 300), 1_000), 10);
  assert.equal(daysLeft(days(0, 90, 210, 300), 1_000), 9, 'one day is not the trend');
  assert.equal(
    daysLeft(
      [
        { day: 1, bytes: 0 },
        { day: 11, bytes: 100 },
      ],
      95,
    ),
    9,
    'days without news count',
  );
  assert.equal(daysLeft(days(0, 100), -50), 0);
});

test('nothing is told of what is not known or does not grow', () => {
  assert.equal(daysLeft([], 10), null);
  assert.equal(daysLeft(days(5), 10), null);
  assert.equal(daysLeft(days(300, 300, 300), 10), null);
  assert.equal(daysLeft(days(300, 200, 100), 10), null);
});

const source = await createMaterialSource();
const state = { stage: 'full', withoutCrl: [] } as const;
const limitBytes = 1_048_576;

test('both forms are shown before the compact one is made, by an estimate that is not too low', () => {
  const material = source.at(1n, { crlBytes: 670_000, entryCount: 10_000 });
  const { usedBytes, leftBytes, entriesLeft, next } = budgetOf({
    ...{ material, limitBytes, state, history: [], policy: 'compact' },
  });
  assert.equal(usedBytes, material.caCrt.length + material.caCrl.length);
  assert.equal(leftBytes, limitBytes - usedBytes);
  assert.ok(entriesLeft !== null && entriesLeft > 5_500 && entriesLeft < 5_700, `${entriesLeft}`);
  assert.equal(next?.form, 'compact');
  assert.equal(next?.usedBytes, usedBytes - 190_000);
});

test('with few entries their usual size is taken, and the forecast is that of the form', () => {
  const material = source.at(1n, { crlBytes: 400, entryCount: 2 });
  const history = [
    { day: '2026-11-01', entries: 0, fullBytes: 0, compactBytes: 0 },
    { day: '2026-11-02', entries: 0, fullBytes: 100_000, compactBytes: 50_000 },
  ];
  const budget = budgetOf({ material, limitBytes, state, history, policy: 'online' });
  assert.equal(budget.forecastDays, 10);
  assert.equal(budget.next?.forecastDays, 20);
  const compact = { stage: 'compact', withoutCrl: [] } as const;
  const { next } = budgetOf({ material, limitBytes, state: compact, history, policy: 'online' });
  assert.deepEqual([next?.form, next?.entriesLeft, next?.forecastDays], ['none', null, null]);
  assert.equal(
    budgetOf({ material, limitBytes, state: compact, history, policy: 'compact' }).next,
    undefined,
  );
});
