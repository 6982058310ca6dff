import { Fault, type FaultReason } from '../fault.ts';
import type { Ingress, Secret } from '../kubernetes/objects.ts';
import type { AdapterPlan } from './adapter.ts';
import type { Cluster } from './cluster.ts';
import type { ChainedAuthority, EnforcementParts } from './parts.ts';
import { checkPlace, chooseAdapter, planFor, settingsOf } from './planning.ts';
import type { ControllerName, VerificationSettings, VerificationWish } from './verification.ts';
import type { VerificationRecord } from './verification-records.ts';

/** What a wish means for one Ingress, and what speaks against it. */
export interface Judgement {
  readonly controller: ControllerName;
  readonly authority: string;
  readonly settings: VerificationSettings;
  readonly plan: AdapterPlan;
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

/** @throws Fault request-invalid when the wish names a controller that there is no adapter for */
export function judge(
  parts: Pick<EnforcementParts, 'adapters' | 'authorities' | 'settings'>,
  wish: VerificationWish,
  { live, previous, cluster, secret }: Evidence,
): Judgement {
  const authority = wish.authority ?? parts.authorities.default.name;
  const known = authorityOf(parts, authority);
  const choice = chooseAdapter(parts.adapters, wish.controller ?? parts.settings.controller, live, cluster);
  const settings = settingsOf(wish);
  const plan = planFor(choice, live, previous, cluster, {
    settings,
    intermediates: known?.chain.length ?? 0,
    secretName: parts.settings.secretName,
  });
  const forbidding = checkPlace(live.metadata.namespace ?? '', secret, parts.settings);
  if (known === undefined) {
    const detail = `There is no authority ${authority}${previous?.authority === authority ? ' any more' : ''}.`;
    forbidding.push({ code: 'authority-missing', detail });
  }
  const reasons = [...forbidding, ...plan.reasons];
  return { controller: choice.adapter.name, authority, settings, plan, forbidding, reasons };
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
