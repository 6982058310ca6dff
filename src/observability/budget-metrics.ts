import { Gauge, type Registry } from 'prom-client';
import type { FormBudget, SecretBudget } from '../budget/secret-budget.ts';
import { budgetStages } from '../store/crl-budget.ts';

/** What the leader saw of the copies when it last looked. */
export interface OnlineFigures {
  /** Copies without a CRL whose Ingresses are not all proven to ask us. */
  readonly unproven: number;
  /** Ingresses that keep the CRL in a copy, since they are not proven to ask us. */
  readonly waiting: number;
}

export interface BudgetMetrics {
  /** How full the published Secret is. */
  secretBudget(budget: SecretBudget): void;
  /** Undefined on a replica that does not lead. */
  secretsOnline(figures: OnlineFigures | undefined): void;
}

/** The series that tell how long the CRL will fit into its Secrets, and what is done about it. */
export function budgetMetrics(registers: Registry[]): BudgetMetrics {
  const gauge = (name: string, help: string, labelNames: readonly string[] = []): Gauge =>
    new Gauge({ name: `internal_ca_secret_${name}`, help, labelNames: [...labelNames], registers });
  const size = gauge('size_bytes', 'Size of the Secret to publish: ca.crt and ca.crl together.');
  const limit = gauge('size_limit_bytes', 'What Kubernetes allows in one Secret.');
  const ratio = gauge(
    'size_ratio',
    'Size of the Secret to publish against the limit; warn at 0.7, past 1 it cannot be written.',
  );
  const left = gauge('left_bytes', 'What is left of the limit, in each form that the CRL may have.', [
    'form',
  ]);
  const entries = gauge('entries_left', 'Revocations that still fit, about, in each form.', ['form']);
  const forecast = gauge(
    'forecast_days',
    'Days until a form is full at the rate of the last thirty days; absent when that is not known.',
    ['form'],
  );
  const stage = gauge('stage', '1 for the way in which the copies carry the CRL now, else 0.', ['stage']);
  const without = gauge('without_crl', 'Copies without a CRL, whose Ingresses ask the service instead.');
  const unproven = gauge(
    'without_crl_unproven',
    'Copies without a CRL where an Ingress is not proven to ask the service; only on the replica that leads.',
  );
  const waiting = gauge(
    'online_waiting',
    'Ingresses that keep the CRL in a copy, since they are not proven to ask the service; only on the replica that leads.',
  );
  function showForm({ form, leftBytes, entriesLeft, forecastDays }: FormBudget): void {
    left.set({ form }, leftBytes);
    if (entriesLeft !== null) entries.set({ form }, entriesLeft);
    if (forecastDays !== null) forecast.set({ form }, forecastDays);
  }

  return {
    secretBudget(budget) {
      size.set(budget.usedBytes);
      limit.set(budget.limitBytes);
      ratio.set(budget.usedBytes / budget.limitBytes);
      for (const series of [left, entries, forecast]) series.reset();
      for (const each of [budget, budget.next]) if (each !== undefined) showForm(each);
      for (const each of budgetStages) stage.set({ stage: each }, each === budget.stage ? 1 : 0);
      without.set(budget.withoutCrl.length);
    },
    secretsOnline(figures) {
      for (const series of [unproven, waiting]) series.remove();
      if (figures === undefined) return;
      unproven.set(figures.unproven);
      waiting.set(figures.waiting);
    },
  };
}
