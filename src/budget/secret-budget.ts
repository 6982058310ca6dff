import { sizeIn } from '../publication/copy-content.ts';
import type { TrustMaterial } from '../publication/trust-material.ts';
import type { BudgetStage, CrlSize } from '../store/crl-budget.ts';
import type { CrlForm } from '../store/publications.ts';
import { daysLeft } from './forecast.ts';
import { backAt, type OverBudgetPolicy, type Weights } from './next-stage.ts';

/** What a copy in one form takes of what it may. */
export interface FormBudget {
  readonly form: CrlForm;
  readonly usedBytes: number;
  /** Below zero when it does not fit. */
  readonly leftBytes: number;
  /** Revocations that still fit, about; null where none takes room. */
  readonly entriesLeft: number | null;
  /** At the rate of the last thirty days; null when that is not known, or nothing grows. */
  readonly forecastDays: number | null;
}

/** The published Secret, as all authorities share it. */
export interface SecretBudget extends FormBudget {
  readonly limitBytes: number;
  readonly stage: BudgetStage;
  readonly since?: Date;
  /** The same for the form that comes next; absent when there is none. */
  readonly next?: FormBudget;
  /** Namespaces whose copy has no CRL. */
  readonly withoutCrl: readonly string[];
}

/** What an entry takes in PEM, while there are too few to tell: a serial of 16 octets, with and without a reason. */
const usualEntryBytes = { full: 67, compact: 48 };
/** A reason code in an entry: 14 octets of DER. */
const reasonBytes = usualEntryBytes.full - usualEntryBytes.compact;
const enoughEntries = 1_000;
const dayMs = 86_400_000;

/** The sizes of both forms; the compact one is estimated while it is not made. */
export function sizesOf(material: TrustMaterial): Omit<CrlSize, 'day'> {
  const fullBytes = sizeIn(material, 'full');
  const { entryCount: entries } = material;
  const compactBytes =
    material.crls.compact === undefined
      ? Math.max(sizeIn(material, 'none'), fullBytes - entries * reasonBytes)
      : sizeIn(material, 'compact');
  return { entries, fullBytes, compactBytes };
}

export function weightsOf(material: TrustMaterial, limitBytes: number): Weights {
  const full = sizeIn(material, 'full') / limitBytes;
  if (material.crls.compact !== undefined) return { full, compact: sizeIn(material, 'compact') / limitBytes };
  // None is made while the full one is small; else not even the compact one would fit.
  return { full, compact: full < backAt ? full : Number.POSITIVE_INFINITY };
}

/** The form that copies with a CRL have in this stage. */
export function formIn(stage: BudgetStage): 'full' | 'compact' {
  return stage === 'full' ? 'full' : 'compact';
}

export function budgetOf(o: {
  readonly material: TrustMaterial;
  readonly limitBytes: number;
  readonly policy: OverBudgetPolicy;
  readonly state: {
    readonly stage: BudgetStage;
    readonly since?: Date;
    readonly withoutCrl: readonly string[];
  };
  readonly history: readonly CrlSize[];
}): SecretBudget {
  const { limitBytes, state } = o;
  const next = nextForm(state.stage, o.policy);
  return {
    limitBytes,
    ...state,
    ...formBudget(o, formIn(state.stage)),
    ...(next === undefined ? {} : { next: formBudget(o, next) }),
  };
}

function nextForm(stage: BudgetStage, policy: OverBudgetPolicy): CrlForm | undefined {
  if (policy === 'alert') return undefined;
  if (stage === 'full') return 'compact';
  return policy === 'online' ? 'none' : undefined;
}

function formBudget(
  {
    material,
    limitBytes,
    history,
  }: { readonly material: TrustMaterial; readonly limitBytes: number; readonly history: readonly CrlSize[] },
  form: CrlForm,
): FormBudget {
  if (form === 'none') {
    const usedBytes = sizeIn(material, 'none');
    return { form, usedBytes, leftBytes: limitBytes - usedBytes, entriesLeft: null, forecastDays: null };
  }
  const sizes = sizesOf(material);
  const usedBytes = form === 'full' ? sizes.fullBytes : sizes.compactBytes;
  const leftBytes = limitBytes - usedBytes;
  const perEntry =
    sizes.entries < enoughEntries
      ? usualEntryBytes[form]
      : (usedBytes - sizeIn(material, 'none')) / sizes.entries;
  const seen = history.map(({ day, fullBytes, compactBytes }) => ({
    day: Date.parse(day) / dayMs,
    bytes: form === 'full' ? fullBytes : compactBytes,
  }));
  return {
    form,
    usedBytes,
    leftBytes,
    entriesLeft: Math.max(0, Math.floor(leftBytes / perEntry)),
    forecastDays: daysLeft(seen, leftBytes),
  };
}
