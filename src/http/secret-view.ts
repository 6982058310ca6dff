import type { FormBudget, SecretBudget } from '../budget/secret-budget.ts';
import { formatTime } from './values.ts';

/** The published Secret as `GET /v1/authorities` shows it; not at all before there was anything to publish. */
export function secretView(budget: SecretBudget | undefined) {
  if (budget === undefined) return {};
  const { limitBytes, stage, since, next, withoutCrl } = budget;
  return {
    secret: {
      limitBytes,
      stage,
      ...(since === undefined ? {} : { since: formatTime(since) }),
      ...formView(budget),
      ...(next === undefined ? {} : { next: formView(next) }),
      copiesWithoutCrl: withoutCrl.length,
    },
  };
}

function formView({ form, usedBytes, leftBytes, entriesLeft, forecastDays }: FormBudget) {
  return { form, usedBytes, leftBytes, entriesLeft, forecastDays };
}
