import { Fault } from '../fault.ts';
import type { Applied } from '../kubernetes/client.ts';
import type { Ingress } from '../kubernetes/objects.ts';
import {
  annotationsToApply,
  differences,
  rememberBefore,
  restoration,
  takeoverWarnings,
} from './annotation-change.ts';
import { readCluster, readIngress } from './cluster.ts';
import type { EnforcementParts } from './parts.ts';
import { checkPlace, chooseAdapter, planFor, settingsOf } from './planning.ts';
import { releaseSecret } from './release-secret.ts';
import { restoreAnnotations } from './restore.ts';
import type { ClientVerification, VerificationWarning, VerificationWish } from './verification.ts';
import type { VerificationRecord } from './verification-records.ts';
import { knownCopies, type Seen, viewOf } from './view.ts';

export interface Target {
  readonly namespace: string;
  readonly name: string;
}

/** An Ingress that was judged safe, and what is to be done to it. */
interface Decision {
  readonly live: Ingress;
  /** The record until now, be it of an Ingress that is gone. */
  readonly recorded: VerificationRecord | undefined;
  readonly next: VerificationRecord;
  readonly manifest: Applied<Ingress>;
  readonly warnings: readonly VerificationWarning[];
}

/** Judges the Ingress, then lets the API server's admission speak, and writes nothing. */
export async function planEnforcement(
  parts: EnforcementParts,
  target: Target,
  wish: VerificationWish,
  requester: string,
): Promise<ClientVerification> {
  const { next, manifest, live, warnings } = await decide(parts, target, wish, requester);
  await apply(parts, manifest, true);
  const seen: Seen = {
    ingress: 'present',
    differences: differences(live, next.written),
    problems: [],
    warnings,
  };
  return view(parts, next, { ...seen, state: 'Planned', dryRun: true });
}

/**
 * The record first, then the Secret, then the annotations in one write: whatever dies in between, the Ingress is either
 * untouched or what stood there before is known.
 */
export async function carryOutEnforcement(
  parts: EnforcementParts,
  target: Target,
  wish: VerificationWish,
  requester: string,
): Promise<ClientVerification> {
  const decision = await decide(parts, target, wish, requester);
  await parts.records.put(decision.next);
  try {
    await parts.publisher.ensureNamespace(target.namespace);
  } catch (error) {
    await takeBackRecord(parts, decision);
    throw error;
  }
  await applyOrTakeBack(parts, decision);
  await verify(parts, decision);
  await markApplied(parts, decision.next);
  const seen: Seen = { ingress: 'present', differences: [], problems: [], warnings: decision.warnings };
  return view(parts, { ...decision.next, state: 'applied' }, seen);
}

async function decide(
  parts: EnforcementParts,
  { namespace, name }: Target,
  wish: VerificationWish,
  requester: string,
): Promise<Decision> {
  const { kubernetes, records, settings: configured } = parts;
  const authority =
    wish.authority === undefined ? parts.authorities.default : parts.authorities.get(wish.authority);
  const live = await readIngress(kubernetes, namespace, name);
  const [cluster, secret, recorded] = await Promise.all([
    readCluster(kubernetes, configured.controllerConfigMap),
    kubernetes.getSecret(namespace, configured.secretName),
    records.find(namespace, name),
  ]);
  const uid = live.metadata.uid ?? '';
  const previous = recorded?.uid === uid ? recorded : undefined;
  const choice = chooseAdapter(parts.adapters, wish.controller ?? configured.controller, live, cluster);
  const settings = settingsOf(wish);
  const plan = planFor(choice, live, previous, cluster, {
    settings,
    intermediates: authority.chain.length,
    secretName: configured.secretName,
  });
  const reasons = [...checkPlace(namespace, secret, configured), ...plan.reasons];
  if (reasons.length > 0) {
    const detail = `Ingress ${namespace}/${name} cannot be made safe: ${reasons.map((reason) => reason.detail).join(' ')}`;
    throw new Fault('ingress-unsafe', detail, { reasons });
  }
  const written = plan.annotations;
  const before = rememberBefore(live, previous, written);
  const now = new Date(parts.clock.now());
  return {
    live,
    recorded,
    next: {
      namespace,
      name,
      uid,
      controller: choice.adapter.name,
      authority: authority.name,
      state: 'applying',
      settings,
      hosts: plan.hosts,
      revocationEnforced: plan.revocationEnforced,
      written,
      before,
      requester,
      createdAt: previous?.createdAt ?? now,
      updatedAt: now,
    },
    manifest: manifestOf(live, annotationsToApply(live, before, written)),
    warnings: [...plan.warnings, ...takeoverWarnings(live, written)],
  };
}

/** With uid and resourceVersion: never a new Ingress, and never one that changed since it was judged. */
function manifestOf({ metadata }: Ingress, annotations: Record<string, string>): Applied<Ingress> {
  const { name, namespace = '', uid, resourceVersion } = metadata;
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      name,
      namespace,
      annotations,
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
  };
}

/** Force: who asks for enforcement means it, and what stood there is recorded and reported. */
async function apply(parts: EnforcementParts, manifest: Applied<Ingress>, dryRun: boolean): Promise<void> {
  try {
    await parts.kubernetes.applyIngress(manifest, { force: true, dryRun });
  } catch (error) {
    if (error instanceof Fault && error.reasons.some(({ code }) => code === 'admission-denied')) {
      throw new Fault('ingress-unsafe', error.message, { reasons: error.reasons, cause: error });
    }
    throw error;
  }
}

async function applyOrTakeBack(parts: EnforcementParts, decision: Decision): Promise<void> {
  try {
    await apply(parts, decision.manifest, false);
  } catch (error) {
    const unanswered = error instanceof Fault && error.code === 'kubernetes-unavailable';
    // The write may have happened: its answer was lost, or it was sent again and then met its own new version.
    const doubtful =
      unanswered || (isConflict(error) && differences(decision.live, decision.next.written).length > 0);
    const found = doubtful ? await findInForce(parts, decision) : 'no';
    if (found === 'yes') return;
    // Unanswered, it may even happen yet. Until we know, the record stays.
    if (!unanswered && found === 'no') await takeBackRecord(parts, decision);
    throw error;
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof Fault && error.code === 'conflict';
}

async function findInForce(parts: EnforcementParts, { next }: Decision): Promise<'yes' | 'no' | 'unknown'> {
  try {
    const live = await parts.kubernetes.getIngress(next.namespace, next.name);
    return live?.metadata.uid === next.uid && differences(live, next.written).length === 0 ? 'yes' : 'no';
  } catch {
    return 'unknown';
  }
}

/** Reads back what is stored: an admission policy may have changed it on the way. */
async function verify(parts: EnforcementParts, decision: Decision): Promise<void> {
  const { next } = decision;
  const live = await parts.kubernetes.getIngress(next.namespace, next.name);
  if (live?.metadata.uid !== next.uid) {
    await takeBackRecord(parts, decision);
    const detail = `Ingress ${next.namespace}/${next.name} was deleted or made anew at this very moment`;
    throw new Fault('conflict', detail, { reasons: [{ code: 'uid-mismatch', detail }] });
  }
  const altered = differences(live, next.written);
  if (altered.length === 0) return;
  await restoreAnnotations(parts, live, restoration(live, next).annotations, false);
  await takeBackRecord(parts, decision);
  const reasons = altered.map(({ annotation, wanted, found }) => ({
    code: 'annotation-altered',
    detail: `${annotation} was stored as "${found ?? ''}" instead of "${wanted ?? ''}".`,
  }));
  throw new Fault('ingress-unsafe', 'Something in the cluster changes what we write to this Ingress', {
    reasons,
  });
}

/** The Ingress was not touched: the row is again what it was, and a copy that nobody needs goes. */
async function takeBackRecord(parts: EnforcementParts, { recorded, next }: Decision): Promise<void> {
  try {
    if (recorded !== undefined) {
      await parts.records.put(recorded);
    } else {
      await parts.records.delete(next.namespace, next.name);
      await releaseSecret(parts, next.namespace);
    }
  } catch (error) {
    parts.warn(`the record of ${next.namespace}/${next.name} stays pending`, error);
  }
}

/** All that is needed to undo is recorded already, so a failure here costs only the mark. */
async function markApplied(parts: EnforcementParts, record: VerificationRecord): Promise<void> {
  try {
    await parts.records.put({ ...record, state: 'applied' });
  } catch (error) {
    parts.warn(`${record.namespace}/${record.name} is enforced but not marked so`, error);
  }
}

async function view(
  parts: EnforcementParts,
  record: VerificationRecord,
  seen: Seen,
): Promise<ClientVerification> {
  return viewOf(record, seen, parts.settings.secretName, await knownCopies(parts));
}
