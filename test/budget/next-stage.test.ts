import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nextStage, type OverBudgetPolicy } from '../../src/budget/next-stage.ts';
import { type BudgetStage, budgetStages } from '../../src/store/crl-budget.ts';

const never = Number.POSITIVE_INFINITY;

type Case = readonly [BudgetStage, number, number, OverBudgetPolicy, boolean, BudgetStage];

const cases: readonly Case[] = [
  ['full', 0.89, 0.6, 'online', false, 'full'],
  ['full', 0.9, 0.6, 'online', false, 'compact'],
  ['full', 0.9, 0.6, 'compact', false, 'compact'],
  ['full', 5, never, 'alert', false, 'full'],
  // Between the two marks everything stays as it is, from both sides.
  ['compact', 0.7, 0.5, 'online', false, 'compact'],
  ['compact', 0.69, 0.5, 'online', false, 'full'],
  ['compact', 1.2, 0.89, 'online', false, 'compact'],
  ['compact', 1.3, 0.9, 'online', false, 'online'],
  ['compact', 1.3, 0.95, 'compact', false, 'compact'],
  ['compact', 2, never, 'compact', false, 'compact'],
  // So many at once that even the compact form is too large.
  ['full', 4, never, 'online', false, 'online'],
  ['online', 1.1, 0.8, 'online', true, 'online'],
  ['online', 1, 0.69, 'online', false, 'returning'],
  ['online', 0.1, 0.1, 'online', false, 'returning'],
  ['returning', 1, 0.69, 'online', false, 'returning'],
  ['returning', 1, 0.69, 'online', true, 'compact'],
  ['returning', 0.1, 0.1, 'online', true, 'full'],
  // It has grown again before Ingresses depend on it.
  ['returning', 1.3, 0.9, 'online', true, 'online'],
  // Another policy after a restart: there is a way back only when the CRL fits.
  ['online', 3, never, 'compact', true, 'online'],
  ['online', 1.2, 0.85, 'compact', true, 'returning'],
  ['returning', 3, never, 'alert', true, 'online'],
  ['compact', 0.95, 0.7, 'alert', false, 'full'],
  ['compact', 1.1, 0.8, 'alert', false, 'compact'],
];

for (const [stage, full, compact, policy, settled, expected] of cases) {
  test(`${stage} at ${full} and ${compact} by ${policy}, ${settled ? 'settled' : 'unsettled'}: ${expected}`, () => {
    assert.equal(nextStage(stage, { full, compact }, policy, settled), expected);
  });
}

test('whatever the sizes: it ends, the same sizes move nothing more, and no Ingress depends on a CRL that does not fit', () => {
  const size = fc.double({ min: 0, max: 5, noNaN: true });
  const policy = fc.constantFrom<OverBudgetPolicy>('alert', 'compact', 'online');
  fc.assert(
    fc.property(
      fc.constantFrom(...budgetStages),
      size,
      size,
      policy,
      fc.boolean(),
      (from, full, part, by, settled) => {
        const weights = { full, compact: Math.min(full, part) };
        const next = nextStage(from, weights, by, settled);
        assert.equal(nextStage(next, weights, by, false), next);
        if (from === 'online' && weights.compact > 1) assert.equal(next, 'online');
        if (by !== 'online' && (from === 'full' || from === 'compact')) assert.notEqual(next, 'online');
        if (from === 'online') assert.ok(next === 'online' || next === 'returning', 'never at one stroke');
      },
    ),
  );
});
