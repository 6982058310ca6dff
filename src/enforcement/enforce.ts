import { Fault, type FaultReason } from '../fault.ts';
import { differences, restoration } from './annotation-change.ts';
import { alteredFault, applyAnnotations } from './apply-annotations.ts';
import { readCluster, readIngress } from './cluster.ts';
import { type Decision, decisionOf } from './decision.ts';
import { refuseDeclared } from './declaration.ts';
import { enforcedEvent, tell } from './events.ts';
import { judge } from './judgement.ts';
import type { EnforcementParts } from './parts.ts';
import { checkPlace } from './planning.ts';
import { releaseSecret } from './release-secret.ts';
import { restoreAnnotations } from './restore.ts';
import { readerOf } from './revocation.ts';
import type { ClientVerification, VerificationWish } from './verification.ts';
import type { VerificationRecord } from './verification-records.ts';
import { knownCopies, type Seen, viewOf } from './view.ts';

export interface Target {
  readonly namespace: string;
  readonly name: string;
}

/** Judges the Ingress, then lets the API server's admission speak, and writes nothing. */
export async function planEnforcement(
  parts: EnforcementParts,
  target: Target,
  wish: VerificationWish,
  requester: string,
): Promise<ClientVerification> {
  const { next, manifest, live, warnings } = await decide(parts, target, wish, requester);
  await applyAnnotations(parts, manifest, { force: true, dryRun: true });
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
    await parts.publisher.ensureNamespace(target.namespace, readerOf(decision.next));
  } catch (error) {
    await takeBackRecord(parts, decision);
    throw error;
  }
  await applyOrTakeBack(parts, decision);
  await verify(parts, decision);
  await markApplied(parts, decision.next);
  tell(parts.events, decision.live, enforcedEvent(decision.next));
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
  // An unknown authority is a mistake of the caller's, not a reason of the Ingress.
  if (wish.authority !== undefined) parts.authorities.get(wish.authority);
  if (configured.visibleNamespaces?.includes(namespace) === false) {
    throw unsafe({ namespace, name }, checkPlace(namespace, undefined, configured));
  }
  const live = await readIngress(kubernetes, namespace, name);
  refuseDeclared(live, configured);
  const [cluster, secret, recorded] = await Promise.all([
    readCluster(kubernetes, configured),
    kubernetes.getSecret(namespace, configured.secretName),
    records.find(namespace, name),
  ]);
  const previous = recorded?.uid === live.metadata.uid ? recorded : undefined;
  const judgement = judge(parts, wish, { live, previous, cluster, secret });
  if (judgement.reasons.length > 0) throw unsafe({ namespace, name }, judgement.reasons);
  const now = new Date(parts.clock.now());
  return decisionOf({ live, recorded, judgement, origin: 'api', requester, now });
}

function unsafe({ namespace, name }: Target, reasons: readonly FaultReason[]): Fault {
  const detail = `Ingress ${namespace}/${name} cannot be made safe: ${reasons.map((reason) => reason.detail).join(' ')}`;
  return new Fault('ingress-unsafe', detail, { reasons });
}

async function applyOrTakeBack(parts: EnforcementParts, decision: Decision): Promise<void> {
  try {
    await applyAnnotations(parts, decision.manifest, { force: true });
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
  throw alteredFault(altered);
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
  return viewOf(record, seen, { secretName: parts.settings.secretName, copies: await knownCopies(parts) });
}
