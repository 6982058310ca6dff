import type { Logger } from '../observability/logger.ts';
import type { BudgetEvents } from './budget-events.ts';
import type { SecretBudget } from './secret-budget.ts';

const steps = [70, 90];

/** Warns once whenever the Secret has become fuller than 70 and than 90 %, and again only after it was emptier. */
export function createFullness(o: {
  readonly log: Pick<Logger, 'warn'>;
  readonly events: Pick<BudgetEvents, 'nearlyFull'> | undefined;
}): { note(budget: SecretBudget): void } {
  let reached = 0;
  return {
    note({ usedBytes, limitBytes, form, entriesLeft, forecastDays }) {
      const percent = Math.floor((usedBytes / limitBytes) * 100);
      const now = steps.filter((step) => percent >= step).length;
      if (now > reached) {
        const facts = { percent, form, usedBytes, limitBytes, entriesLeft, forecastDays };
        o.log.warn(facts, 'the published Secret is nearly full');
        o.events?.nearlyFull(percent);
      }
      reached = now;
    },
  };
}
