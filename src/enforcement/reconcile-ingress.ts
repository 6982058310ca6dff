import { Fault, type FaultReason } from '../fault.ts';
import type { Ingress } from '../kubernetes/objects.ts';
import type { Term } from '../leadership/leadership.ts';
import type { WorkResult } from '../reconcile/work-queue.ts';
import type { Announcer } from './announcer.ts';
import { carryOut } from './carry-out.ts';
import { type Cluster, readCluster } from './cluster.ts';
import { type DecisionInput, decisionOf } from './decision.ts';
import { declarationOf, refusalOf } from './declaration.ts';
import {
  conflictEvent,
  enforcedEvent,
  type IngressEvent,
  refusedEvent,
  repairedEvent,
  tell,
  unsafeEvent,
} from './events.ts';
import { judge } from './judgement.ts';
import { isAccepted, nextStep, type Step } from './next-step.ts';
import type { EnforcementParts } from './parts.ts';
import type { Quarrels } from './quarrels.ts';
import { releaseSecret } from './release-secret.ts';
import { undoEnforcement } from './restore.ts';
import { type Turn, wasModified } from './turn.ts';
import type { RecordState, VerificationRecord } from './verification-records.ts';

export interface ReconcilingParts {
  readonly parts: EnforcementParts;
  readonly inTurn: Turn;
  readonly term: Term;
  readonly quarrels: Quarrels;
  readonly announcer: Announcer;
  /** From the cache, which may be a moment old. */
  ingress(key: string): Ingress | undefined;
  /** The same, with what belongs to the cluster. */
  cluster(): Promise<Cluster>;
}

/** One Ingress whose wish and state were read just now. */
interface Subject {
  readonly key: string;
  readonly record: VerificationRecord | undefined;
  readonly live: Ingress | undefined;
}

/** Who asked, where no call did. */
const byAnnotation = 'annotation';

/**
 * Brings one Ingress to what is wished for it. What can be seen to need nothing costs one query; everything else is
 * judged again in turn with the calls of the API, on the Ingress as it is then.
 */
export async function reconcileIngress(o: ReconcilingParts, key: string): Promise<WorkResult | undefined> {
  const [namespace = '', name = ''] = key.split('/');
  const live = o.ingress(key);
  const record = await o.parts.records.find(namespace, name);
  if (record === undefined && declarationOf(live).kind === 'none') {
    o.quarrels.forget(key);
    o.announcer.forget(key);
    return undefined;
  }
  const subject = { key, record, live };
  const step = stepFor(o, subject, await o.cluster());
  if (needsTurn(o, subject, step)) await o.inTurn(() => act(o, key, namespace, name));
  else announce(o, subject, step);
  const againMs = o.quarrels.pauseMs(key);
  return againMs === 0 ? undefined : { againMs };
}

async function act(o: ReconcilingParts, key: string, namespace: string, name: string): Promise<void> {
  const { parts, term } = o;
  // Whoever waited for the turn may lead no more.
  term.signal.throwIfAborted();
  await term.assertCurrent();
  const [record, live] = await Promise.all([
    parts.records.find(namespace, name),
    parts.kubernetes.getIngress(namespace, name),
  ]);
  const subject = { key, record, live };
  let step = stepFor(o, subject, await o.cluster());
  if (step.kind === 'enforce' && step.repairs === undefined) {
    // Another Ingress of the host may have got its policy a moment ago.
    step = stepFor(o, subject, await readCluster(parts.kubernetes, parts.settings));
  }
  term.signal.throwIfAborted();
  try {
    await perform(o, subject, step);
    announce(o, subject, step);
  } catch (error) {
    if (error instanceof Fault && isAboutTheIngress(error)) await noteTrouble(o, subject, error);
    throw error;
  }
}

function stepFor(o: ReconcilingParts, { key, record, live }: Subject, cluster: Cluster): Step {
  const { parts } = o;
  return nextStep({
    record,
    live,
    settings: parts.settings,
    quarrelling: o.quarrels.lasts(key),
    judge: (wish, ingress, previous) => judge(parts, wish, { live: ingress, previous, cluster }),
  });
}

function needsTurn({ quarrels }: ReconcilingParts, { key, record }: Subject, step: Step): boolean {
  if (step.kind === 'rest') return (record?.trouble.length ?? 0) > 0 && !quarrels.lasts(key);
  if (step.kind !== 'hold') return true;
  return step.renew || (isQuarrel(quarrels, key, step) && !isTakenAway(record?.trouble ?? []));
}

async function perform(o: ReconcilingParts, subject: Subject, step: Step): Promise<void> {
  const { parts, quarrels } = o;
  const { key, record } = subject;
  switch (step.kind) {
    case 'rest':
      // Judged again in turn, there may be nothing left that hinders.
      if (record !== undefined && record.trouble.length > 0) {
        await parts.records.put({ ...record, trouble: [] });
      }
      return;
    case 'forget':
      return forget(o, subject);
    case 'undo':
      if (record === undefined) return;
      await undoEnforcement(parts, record, { dryRun: false, requester: undoneBy(record) });
      o.announcer.forget(key);
      return;
    case 'record':
      await parts.records.put({ ...decisionFor(o, subject, step).next, state: 'applied' });
      if (record?.state !== 'applied') told(o, subject, step);
      return;
    case 'hold':
      return hold(o, subject, step);
    case 'enforce': {
      const decision = decisionFor(o, subject, step);
      await carryOut(parts, decision, step.force);
      if (step.repairs === undefined) return told(o, subject, step);
      quarrels.repaired(key);
      return tell(parts.events, step.live, repairedEvent(step.repairs));
    }
  }
}

/** The Ingress that asked is gone, or another one of its name does not ask. */
async function forget({ parts, announcer, quarrels }: ReconcilingParts, { key, record }: Subject) {
  if (record === undefined) return;
  await parts.records.delete(record.namespace, record.name);
  await releaseSecret(parts, record.namespace);
  announcer.forget(key);
  quarrels.forget(key);
}

/** The wish is kept, also where it cannot be carried out. */
async function hold(
  o: ReconcilingParts,
  subject: Subject,
  step: Extract<Step, { kind: 'hold' }>,
): Promise<void> {
  const { key, record } = subject;
  const trouble = isQuarrel(o.quarrels, key, step) ? [takenAwayAgain(step)] : [];
  if (!step.renew && record !== undefined) return o.parts.records.put({ ...record, trouble });
  const { next } = decisionFor(o, subject, step);
  await o.parts.records.put({ ...next, state: heldState(record, step), trouble });
}

/** What was accepted once stays so, also for an Ingress made anew. */
function heldState(
  record: VerificationRecord | undefined,
  { live, reasons }: Extract<Step, { kind: 'hold' }>,
): RecordState {
  if (record?.state === 'applied' && record.uid === live.metadata.uid) return 'applied';
  const accepted = reasons.length === 0 || (record !== undefined && isAccepted(record));
  return accepted ? 'applying' : 'refused';
}

/** Whose call is finished; else it is the annotation that is gone. */
function undoneBy({ state, requester }: VerificationRecord): string {
  return state === 'undoing' ? requester : byAnnotation;
}

function takenAwayAgain({ conflicts }: Extract<Step, { kind: 'hold' }>): FaultReason {
  const managers = [...new Set(conflicts.map(({ manager }) => manager))].join(', ');
  const detail = `What we put back was taken away again and again, last by ${managers}; it is tried again in some minutes.`;
  return { code: 'taken-away-again', detail };
}

function isQuarrel(quarrels: Quarrels, key: string, step: Extract<Step, { kind: 'hold' }>): boolean {
  return step.conflicts.length > 0 && quarrels.lasts(key);
}

function isTakenAway(trouble: readonly FaultReason[]): boolean {
  return trouble.some(({ code }) => code === 'taken-away-again');
}

function decisionFor(
  { parts }: ReconcilingParts,
  { record }: Subject,
  step: Pick<DecisionInput, 'live' | 'judgement' | 'origin' | 'leaving'>,
) {
  const { live, judgement, origin, leaving = [] } = step;
  const requester = origin === 'annotation' ? byAnnotation : (record?.requester ?? byAnnotation);
  const now = new Date(parts.clock.now());
  return decisionOf({ live, recorded: record, judgement, origin, requester, now, leaving });
}

function told(
  o: ReconcilingParts,
  subject: Subject,
  step: Pick<DecisionInput, 'live' | 'judgement' | 'origin'>,
) {
  tell(o.parts.events, step.live, enforcedEvent(decisionFor(o, subject, step).next));
}

/** Says what lasts, beside the Ingress. */
function announce(o: ReconcilingParts, { key, record, live }: Subject, step: Step): void {
  if (live === undefined || step.kind === 'forget' || step.kind === 'undo') return;
  const { announcer } = o;
  const refused = [...refusalOf(live, o.parts.settings), ...(step.refused ?? [])];
  if (refused.length > 0) announcer.once(key, 'declaration', live, refusedEvent(refused));
  else announcer.over(key, 'declaration');
  const event = lasting(step);
  if (event !== undefined) announcer.once(key, 'state', live, event);
  else if (announcer.over(key, 'state') && step.kind === 'rest' && record !== undefined) {
    tell(o.parts.events, live, enforcedEvent(record));
  }
}

function lasting(step: Step): IngressEvent | undefined {
  if (step.kind === 'rest') return step.problems.length > 0 ? unsafeEvent(step.problems) : undefined;
  if (step.kind === 'hold' && step.conflicts.length > 0) return conflictEvent(step.conflicts);
  if (step.kind === 'hold') return unsafeEvent(step.reasons);
  if (step.kind === 'record' && step.judgement.reasons.length > 0) return unsafeEvent(step.judgement.reasons);
  return undefined;
}

/** Not an outage, which is nobody's business but ours, and not a race, which is judged again at once. */
function isAboutTheIngress(error: Fault): boolean {
  const outages = ['kubernetes-unavailable', 'database-unavailable', 'draining', 'key-unavailable'];
  return !outages.includes(error.code) && !wasModified(error);
}

/** Every replica can tell what is wrong, and the wish stays. */
async function noteTrouble(o: ReconcilingParts, { key, live, record }: Subject, error: Fault): Promise<void> {
  const reasons = error.reasons.length > 0 ? error.reasons : [{ code: error.code, detail: error.message }];
  const [namespace = '', name = ''] = key.split('/');
  const current = await o.parts.records.find(namespace, name);
  if (current !== undefined && JSON.stringify(current.trouble) !== JSON.stringify(reasons)) {
    await o.parts.records.put({ ...current, trouble: reasons });
  }
  if (live === undefined) return;
  const unsafe = record?.state === 'applied' ? unsafeEvent(reasons) : refusedEvent(reasons);
  o.announcer.once(key, 'state', live, unsafe);
}
