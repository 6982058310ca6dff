import type { BudgetStage } from '../store/crl-budget.ts';

/**
 * What may be done when the CRLs outgrow the Secrets. `alert`: nothing. `compact`: leave out reason codes. `online`: that, and
 * then move Ingresses to live verification.
 */
export type OverBudgetPolicy = 'alert' | 'compact' | 'online';

/** Sizes against the limit: 1 is full. */
export interface Weights {
  readonly full: number;
  /** Infinite where there is no compact form that would fit. */
  readonly compact: number;
}

/** A form is left before it is full: the CRL must never be too large for the copy that it is in. */
export const forwardAt = 0.9;
/** And taken again only when there is room, so that a few revocations more or less do not move every copy each time. */
export const backAt = 0.7;

/** @param settled every copy has its CRL again, for as long as a controller needs to read it; asked for in `returning` */
export function nextStage(
  present: BudgetStage,
  weights: Weights,
  policy: OverBudgetPolicy,
  settled: boolean,
): BudgetStage {
  const step = steps[present](weights, policy, settled);
  // Many revocations at once may pass over a stage. It ends, since no step goes back to where one came from.
  return step === present ? present : nextStage(step, weights, policy, false);
}

type Step = (weights: Weights, policy: OverBudgetPolicy, settled: boolean) => BudgetStage;

const steps: Readonly<Record<BudgetStage, Step>> = {
  full: ({ full }, policy) => (full >= forwardAt && policy !== 'alert' ? 'compact' : 'full'),
  compact({ full, compact }, policy) {
    if (full < backAt || (policy === 'alert' && full <= 1)) return 'full';
    return compact >= forwardAt && policy === 'online' ? 'online' : 'compact';
  },
  // Without a CRL that fits there is no way back, whatever the policy says by now.
  online: ({ compact }, policy) =>
    compact < (policy === 'online' ? backAt : forwardAt) ? 'returning' : 'online',
  returning({ compact }, _policy, settled) {
    if (compact >= forwardAt) return 'online';
    return settled ? 'compact' : 'returning';
  },
};
