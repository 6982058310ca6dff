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

/**
 * What brings one Ingress closer to its wish. `rest`: nothing, `problems` go round it. `forget`: the one who wished is
 * gone. `undo`: it no longer wishes. `record`: only our record is behind. `hold`: nothing can be written; with `renew` the
 * wish is recorded all the same. `enforce`: write it, but for `leaving`, which others hold.
 */
export type Step =
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
  if (live === undefined) return record?.origin === 'annotation' ? { kind: 'forget' } : atRest;
  if (live.metadata.deletionTimestamp !== undefined) return atRest;
  if (record?.unreadable !== undefined) return { kind: 'rest', problems: [record.unreadable] };
  const previous = record?.uid === live.metadata.uid ? record : undefined;
  const wished = wishFor(live, record, situation.settings);
  if (wished === undefined) {
    if (record === undefined) return atRest;
    return { kind: previous === undefined ? 'forget' : 'undo' };
  }
  const judgement = situation.judge(wished.wish, live, previous);
  const intent = { live, judgement, origin: wished.origin };
  return previous === undefined || previous.state === 'applying'
    ? begin(intent, record, previous)
    : maintain(intent, previous, situation.quarrelling);
}

/** The annotation speaks where it is allowed and valid; else what is recorded, unless its annotation was taken away. */
function wishFor(
  live: Ingress,
  record: VerificationRecord | undefined,
  settings: EnforcementSettings,
): { readonly wish: VerificationWish; readonly origin: VerificationOrigin } | undefined {
  const declaration = declarationOf(live);
  if (declaration.kind === 'wish' && refusalOf(live, settings).length === 0) {
    return { wish: declaration.wish, origin: 'annotation' };
  }
  if (record === undefined || (record.origin === 'annotation' && declaration.kind === 'none'))
    return undefined;
  return { wish: wishOf(record), origin: record.origin };
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
  // A new wish is judged like the first one, and the old one stays in force meanwhile.
  const refused = !isSameWish(record, judgement) && judgement.reasons.length > 0;
  if (judgement.forbidding.length > 0 || refused) {
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
