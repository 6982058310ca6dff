import type { FaultReason } from '../fault.ts';
import type { Ingress } from '../kubernetes/objects.ts';
import { conflictsOf, differences, leftovers } from './annotation-change.ts';
import { declarationOf, refusalOf } from './declaration.ts';
import { isRecorded, isSameWish, type Judgement, wishOf } from './judgement.ts';
import { annotationsWeUpdated } from './managed-fields.ts';
import type { EnforcementSettings } from './planning.ts';
import type { AnnotationConflict, VerificationOrigin, VerificationWish } from './verification.ts';
import type { VerificationRecord } from './verification-records.ts';

/** One Ingress as it is and as it is wished. */
export interface Situation {
  readonly record: VerificationRecord | undefined;
  readonly live: Ingress | undefined;
  readonly settings: EnforcementSettings;
  /** What a wish means for the Ingress, given what there is beside it. */
  judge(wish: VerificationWish, live: Ingress, previous: VerificationRecord | undefined): Judgement;
  /** Ours was taken away too often to be put back now. */
  readonly quarrelling: boolean;
}

/** What carries a wish out, or would. */
export interface Intent {
  readonly live: Ingress;
  readonly judgement: Judgement;
  readonly origin: VerificationOrigin;
}

/** What the Ingress's annotations ask for by now, and why that is refused; what was accepted before stays in force. */
export interface Refusal {
  readonly refused?: readonly FaultReason[];
}

/**
 * What brings one Ingress closer to its wish. `rest`: nothing, `problems` go round it. `forget`: the one who wished is
 * gone. `undo`: it no longer wishes. `record`: only our record is behind. `hold`: nothing can be written; with `renew` the
 * wish is recorded all the same. `enforce`: write it, but for `leaving`, which others hold.
 */
export type Step = Refusal & Action;

type Action =
  | { readonly kind: 'rest'; readonly problems: readonly FaultReason[] }
  | { readonly kind: 'forget' }
  | { readonly kind: 'undo' }
  | ({ readonly kind: 'record' } & Intent)
  | ({
      readonly kind: 'hold';
      readonly renew: boolean;
      readonly reasons: readonly FaultReason[];
      readonly conflicts: readonly AnnotationConflict[];
    } & Intent)
  | ({
      readonly kind: 'enforce';
      readonly force: boolean;
      readonly leaving: readonly string[];
      /** Absent when it is more than putting back what stood there. */
      readonly repairs?: readonly string[];
    } & Intent);

const atRest: Step = { kind: 'rest', problems: [] };

/** Level-driven: decided by what is there, whatever happened before. */
export function nextStep(situation: Situation): Step {
  const { record, live } = situation;
  if (live === undefined) return isGone(record) ? { kind: 'forget' } : atRest;
  if (live.metadata.deletionTimestamp !== undefined) return atRest;
  if (record?.unreadable !== undefined) return { kind: 'rest', problems: [record.unreadable] };
  const declared = declaredBy(live, situation.settings);
  if (declared === undefined) return withoutDeclaration(situation, live);
  const intent = intentOf(situation, live, declared, 'annotation');
  const { reasons } = intent.judgement;
  // Threat: who may edit an Ingress takes off the annotations that were written, and asks for what is refused, so that nothing
  // is written any more. What was accepted is kept up all the same.
  const inForce = record !== undefined && isAccepted(record) && !isSameWish(record, intent.judgement);
  if (reasons.length > 0 && inForce) return { ...withoutDeclaration(situation, live), refused: reasons };
  return converge(situation, intent);
}

/** With the Ingress what its own annotation asked for is gone, and there is nothing to take back from it. */
function isGone(record: VerificationRecord | undefined): boolean {
  return record !== undefined && (record.origin === 'annotation' || record.state === 'undoing');
}

/** Its annotation, where it is allowed and valid. */
function declaredBy(live: Ingress, settings: EnforcementSettings): VerificationWish | undefined {
  const declaration = declarationOf(live);
  const speaks = declaration.kind === 'wish' && refusalOf(live, settings).length === 0;
  return speaks ? declaration.wish : undefined;
}

/** What is recorded, unless its annotation or a call took it away. */
function withoutDeclaration(situation: Situation, live: Ingress): Step {
  const { record } = situation;
  if (record === undefined) return atRest;
  const withdrawn = record.origin === 'annotation' && declarationOf(live).kind === 'none';
  if (withdrawn || record.state === 'undoing') {
    return { kind: record.uid === live.metadata.uid ? 'undo' : 'forget' };
  }
  return converge(situation, intentOf(situation, live, wishOf(record), record.origin));
}

function intentOf(
  { record, judge }: Situation,
  live: Ingress,
  wish: VerificationWish,
  origin: VerificationOrigin,
): Intent {
  return { live, judgement: judge(wish, live, sameIngress(record, live)), origin };
}

function converge({ record, quarrelling }: Situation, intent: Intent): Step {
  const previous = sameIngress(record, intent.live);
  return previous?.state === 'applied'
    ? maintain(intent, previous, quarrelling)
    : begin(intent, record, previous);
}

function sameIngress(record: VerificationRecord | undefined, live: Ingress): VerificationRecord | undefined {
  return record?.uid === live.metadata.uid ? record : undefined;
}

/** Whether what it holds was judged, and nothing was found against it. */
export function isAccepted({ state }: VerificationRecord): boolean {
  return state === 'applying' || state === 'applied';
}

/** Nothing of ours is known to stand there: all of it or nothing. */
function begin(
  intent: Intent,
  record: VerificationRecord | undefined,
  previous: VerificationRecord | undefined,
): Step {
  const { live, judgement, origin } = intent;
  const changed = differences(live, judgement.plan.annotations);
  // Who asked by a call was told whose values it would overrule; who asks by annotation may have set them itself.
  const takeover = origin === 'api';
  const conflicts = takeover ? [] : conflictsOf(live, changed, false);
  const renew = previous === undefined || previous.origin !== origin || !isRecorded(previous, judgement);
  if (judgement.reasons.length > 0 || conflicts.length > 0) {
    return { kind: 'hold', ...intent, renew, reasons: judgement.reasons, conflicts };
  }
  // The write happened, and the process died before it could say so.
  if (record !== undefined && !renew && changed.length === 0) return { kind: 'record', ...intent };
  return { kind: 'enforce', ...intent, force: takeover || overOurselves(live), leaving: [] };
}

/** Ours stood there once: whatever of it nobody else holds is put back. */
function maintain(intent: Intent, record: VerificationRecord, quarrelling: boolean): Step {
  const { live, judgement, origin } = intent;
  const changed = differences(live, judgement.plan.annotations);
  const recorded = isRecorded(record, judgement);
  const renew = !recorded || record.origin !== origin;
  if (judgement.forbidding.length > 0) {
    return { kind: 'hold', ...intent, renew: false, reasons: judgement.reasons, conflicts: [] };
  }
  const stale = leftovers(live, record.before, judgement.plan.annotations).length > 0;
  if (changed.length === 0 && !stale) {
    return renew ? { kind: 'record', ...intent } : { kind: 'rest', problems: judgement.reasons };
  }
  const conflicts = conflictsOf(live, changed, recorded && quarrelling);
  if (conflicts.length === changed.length && !stale) {
    return { kind: 'hold', ...intent, renew, reasons: [], conflicts };
  }
  const leaving = conflicts.map(({ annotation }) => annotation);
  const repairs = changed.map(({ annotation }) => annotation).filter((name) => !leaving.includes(name));
  const force = overOurselves(live);
  return { kind: 'enforce', ...intent, force, leaving, ...(recorded && !stale ? { repairs } : {}) };
}

/**
 * The API server would see a conflict with us in what we hold by an update. What anybody else holds was left out, and the
 * write is bound to the version that was looked at; so force overrules nobody but ourselves.
 */
function overOurselves(live: Ingress): boolean {
  return annotationsWeUpdated(live).length > 0;
}
