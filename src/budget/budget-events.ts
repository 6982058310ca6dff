import type { EventRecorder, RecordedEvent } from '../kubernetes/event-recorder.ts';
import type { BudgetStage } from '../store/crl-budget.ts';

/** What is told beside the Secrets: each move, and what stands in its way. */
export interface BudgetEvents {
  /** Beside the Secret in our own namespace. */
  moved(stage: BudgetStage): void;
  nearlyFull(percent: number): void;
  /** Beside the Secret of that namespace. */
  leftOut(namespace: string): void;
  putBack(namespace: string, unproven: readonly string[]): void;
  unproven(namespace: string, unproven: readonly string[]): void;
}

/** Why the stage is what it is now, for Events and the log. */
export const stageMessages: Readonly<Record<BudgetStage, string>> = {
  full: 'There is room for the whole CRL again: the copies have it with its reason codes.',
  compact:
    'The copies have the CRL without its reason codes, which takes less room; it refuses the same certificates.',
  online:
    'The CRL outgrows the Secret even without its reason codes. Each enforced Ingress is moved to live verification; where all that name a copy are proven to ask, the CRL leaves it.',
  returning:
    'The CRL fits again and goes back into every copy. Ingresses that were moved to live verification stay there until it is read.',
};

export function createBudgetEvents(o: {
  readonly recorder: Pick<EventRecorder, 'record'>;
  readonly ownNamespace: string;
  readonly secretName: string;
}): BudgetEvents {
  const record = (namespace: string, event: RecordedEvent) =>
    o.recorder.record({ apiVersion: 'v1', kind: 'Secret', namespace, name: o.secretName }, event);
  return {
    moved: (stage) =>
      record(o.ownNamespace, {
        type: stage === 'online' ? 'Warning' : 'Normal',
        reason: 'CrlBudget',
        message: stageMessages[stage],
      }),
    nearlyFull: (percent) =>
      record(o.ownNamespace, {
        type: 'Warning',
        reason: 'SecretNearlyFull',
        message: `ca.crt and ca.crl take ${percent} % of what a Secret holds.`,
      }),
    leftOut: (namespace) =>
      record(namespace, {
        type: 'Normal',
        reason: 'CrlLeftOut',
        message:
          'The CRL left this Secret: each Ingress that names it was seen to refuse a revoked certificate by live verification.',
      }),
    putBack: (namespace, unproven) =>
      record(namespace, {
        type: 'Warning',
        reason: 'CrlPutBack',
        message: `The CRL is back in this Secret, since live verification is not proven: ${listed(unproven)}.`,
      }),
    unproven: (namespace, unproven) =>
      record(namespace, {
        type: 'Warning',
        reason: 'RevocationUnproven',
        message: `This Secret has no CRL, which no longer fits, and live verification is not proven: ${listed(unproven)}. A revoked certificate may be let in there.`,
      }),
  };
}

function listed(unproven: readonly string[]): string {
  return unproven.length === 0 ? 'no Ingress that names it is known' : unproven.join(', ');
}
