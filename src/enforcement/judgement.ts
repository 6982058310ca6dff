import { Fault, type FaultReason } from '../fault.ts';
import type { Ingress, Secret } from '../kubernetes/objects.ts';
import type { AdapterPlan } from './adapter.ts';
import type { Cluster } from './cluster.ts';
import type { ChainedAuthority, EnforcementParts } from './parts.ts';
import { type Choice, checkPlace, chooseAdapter, planFor, settingsOf } from './planning.ts';
import { asksOnline, neededRevocation, type RevocationInForce, type RevocationMode } from './revocation.ts';
import type { ControllerName, VerificationSettings, VerificationWish } from './verification.ts';
import type { VerificationRecord } from './verification-records.ts';

/** What a wish means for one Ingress, and what speaks against it. */
export interface Judgement {
  readonly controller: ControllerName;
  readonly authority: string;
  readonly settings: VerificationSettings;
  readonly plan: AdapterPlan;
  readonly revocation: RevocationInForce;
  /** Reasons for which nothing may be written at all, be it to restore what stood there yesterday. */
  readonly forbidding: readonly FaultReason[];
  /** These, and those for which the wish would not hold. */
  readonly reasons: readonly FaultReason[];
}

/** What can be known without writing. */
export interface Evidence {
  readonly live: Ingress;
  /** The record of this very Ingress. */
  readonly previous: VerificationRecord | undefined;
  readonly cluster: Cluster;
  /** What lies in the place of our copy, when that was looked at. */
  readonly secret?: Secret | undefined;
}

type JudgingParts = Pick<
  EnforcementParts,
  'adapters' | 'authorities' | 'settings' | 'verifyUrlFor' | 'budget'
>;

/** @throws Fault request-invalid when the wish names a controller that there is no adapter for, or a rule that is none */
export function judge(parts: JudgingParts, wish: VerificationWish, evidence: Evidence): Judgement {
  const { live, previous, cluster, secret } = evidence;
  const authority = wish.authority ?? parts.authorities.default.name;
  const known = authorityOf(parts, authority);
  const choice = chooseAdapter(parts.adapters, wish.controller ?? parts.settings.controller, live, cluster);
  const settings = settingsOf(wish);
  const { plan, revocation } = planOrNone(parts, evidence, { choice, authority, known, settings });
  const forbidding = checkPlace(live.metadata.namespace ?? '', secret, parts.settings);
  if (known === undefined) {
    const detail = `There is no authority ${authority}${previous?.authority === authority ? ' any more' : ''}.`;
    forbidding.push({ code: 'authority-missing', detail });
  }
  const reasons = [...forbidding, ...plan.reasons];
  return { controller: choice.adapter.name, authority, settings, plan, revocation, forbidding, reasons };
}

type Planned = { readonly plan: AdapterPlan; readonly revocation: RevocationInForce };

/**
 * A fault of ours in judging one Ingress is a reason against that one: it costs no other its entry in a list, and what was written
 * on it is kept up by its record.
 */
function planOrNone(parts: JudgingParts, evidence: Evidence, subject: Subject): Planned {
  try {
    return planWithin(parts, evidence, subject);
  } catch (error) {
    if (error instanceof Fault) throw error;
    const { previous } = evidence;
    const revocation = previous?.revocation ?? { effective: subject.settings.revocation, wholeHost: false };
    const plan: AdapterPlan = {
      hosts: previous?.hosts ?? [],
      annotations: previous?.written ?? {},
      reasons: [notJudged(error)],
      onlineReasons: [],
      warnings: [],
      revocationEnforced: previous?.revocationEnforced ?? false,
      wholeHost: revocation.wholeHost,
    };
    return { plan, revocation };
  }
}

/** The reason against an Ingress that could not be judged. */
export function notJudged(error: unknown): FaultReason {
  const why = error instanceof Error ? error.message : String(error);
  return { code: 'not-judged', detail: `The Ingress could not be judged: ${why.slice(0, 200)}.` };
}

interface Subject {
  readonly choice: Choice;
  readonly authority: string;
  readonly known: ChainedAuthority | undefined;
  readonly settings: VerificationSettings;
}

/**
 * The plan, with what the Secret's budget makes of the wish. Where the door cannot ask us, it stays with the CRL, which is
 * better than nothing; but what has asked us once goes on: its Secret may be without a CRL by now.
 */
function planWithin(
  parts: JudgingParts,
  { live, previous, cluster }: Evidence,
  { choice, authority, known, settings }: Subject,
): Planned {
  const planned = (revocation: RevocationMode) =>
    planFor(choice, live, previous, cluster, {
      settings,
      revocation,
      verifyUrlFor: parts.verifyUrlFor,
      intermediates: known?.chain.length ?? 0,
      secretName: parts.settings.secretName,
    });
  const effective = neededRevocation(settings, authority, parts.budget);
  const plan = planned(effective);
  const { wholeHost } = plan;
  if (effective === settings.revocation) return { plan, revocation: { effective, wholeHost } };
  const asksAlready = previous !== undefined && asksOnline(previous.revocation.effective);
  if (plan.onlineReasons.length === 0 || asksAlready) {
    return { plan, revocation: { effective, wholeHost, why: movedByBudget(authority) } };
  }
  const why = notMoved(authority, plan.onlineReasons);
  const unmoved = planned(settings.revocation);
  return {
    plan: { ...unmoved, warnings: [...unmoved.warnings, why] },
    revocation: { effective: settings.revocation, wholeHost: unmoved.wholeHost, why },
  };
}

function movedByBudget(authority: string): FaultReason {
  const detail = `The CRL of ${authority} has outgrown its Secret, so the controller asks about each request, too.`;
  return { code: 'secret-over-budget', detail };
}

function notMoved(authority: string, reasons: readonly FaultReason[]): FaultReason {
  const why = reasons.map(({ detail }) => detail).join(' ');
  const detail = `The CRL of ${authority} has outgrown its Secret, but the controller cannot ask about each request instead: ${why}`;
  return { code: 'online-not-possible', detail };
}

/** The wish that a record holds. */
export function wishOf({ settings, authority, controller }: VerificationRecord): VerificationWish {
  return { ...settings, authority, controller };
}

/** Whether the record holds this wish, whatever the wish means for the Ingress by now. */
export function isSameWish(
  record: VerificationRecord,
  { settings, authority, controller }: Judgement,
): boolean {
  return (
    record.authority === authority &&
    record.controller === controller &&
    sameMembers(record.settings, settings)
  );
}

/** Whether the record says just this, so that only the Ingress may have to be written. */
export function isRecorded(record: VerificationRecord, judgement: Judgement): boolean {
  const { annotations, hosts, revocationEnforced } = judgement.plan;
  return (
    isSameWish(record, judgement) &&
    sameMembers(record.written, annotations) &&
    sameMembers(record.revocation, judgement.revocation) &&
    record.revocationEnforced === revocationEnforced &&
    record.hosts.join() === hosts.join()
  );
}

function sameMembers(one: object, other: object): boolean {
  const text = (value: object) => JSON.stringify(Object.entries(value).sort());
  return text(one) === text(other);
}

function authorityOf(
  { authorities }: Pick<EnforcementParts, 'authorities'>,
  name: string,
): ChainedAuthority | undefined {
  try {
    return authorities.get(name);
  } catch (error) {
    if (error instanceof Fault && error.code === 'authority-not-found') return undefined;
    throw error;
  }
}
