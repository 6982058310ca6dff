import type { Applied } from '../kubernetes/client.ts';
import type { Ingress } from '../kubernetes/objects.ts';
import { annotationsToApply, rememberBefore, takeoverWarnings } from './annotation-change.ts';
import type { Judgement } from './judgement.ts';
import type { VerificationOrigin, VerificationWarning } from './verification.ts';
import type { VerificationRecord } from './verification-records.ts';

/** An Ingress that was judged, and what is to be done to it. */
export interface Decision {
  readonly live: Ingress;
  /** The record until now, be it of an Ingress that is gone. */
  readonly recorded: VerificationRecord | undefined;
  /** The record as it will be, in state `applying`. */
  readonly next: VerificationRecord;
  readonly manifest: Applied<Ingress>;
  readonly warnings: readonly VerificationWarning[];
}

export interface DecisionInput {
  readonly live: Ingress;
  readonly recorded: VerificationRecord | undefined;
  readonly judgement: Judgement;
  readonly origin: VerificationOrigin;
  readonly requester: string;
  readonly now: Date;
  /** Annotations that somebody else holds and keeps. */
  readonly leaving?: readonly string[];
}

/** The record and the one write that carry a judgement out. */
export function decisionOf({ live, recorded, judgement, leaving = [], ...o }: DecisionInput): Decision {
  const { namespace = '', name, uid = '' } = live.metadata;
  const previous = recorded?.uid === uid ? recorded : undefined;
  const { plan, controller, authority, settings, revocation } = judgement;
  const written = plan.annotations;
  const before = rememberBefore(live, previous, written);
  const annotations = Object.entries(annotationsToApply(live, before, written)).filter(
    ([annotation]) => !leaving.includes(annotation),
  );
  return {
    live,
    recorded,
    next: {
      namespace,
      name,
      uid,
      controller,
      authority,
      state: 'applying',
      settings,
      hosts: plan.hosts,
      revocationEnforced: plan.revocationEnforced,
      revocation,
      written,
      before,
      origin: o.origin,
      trouble: [],
      requester: o.requester,
      createdAt: previous?.createdAt ?? o.now,
      updatedAt: o.now,
    },
    manifest: manifestOf(live, Object.fromEntries(annotations)),
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
