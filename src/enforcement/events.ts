import type { FaultReason } from '../fault.ts';
import type { EventRecorder } from '../kubernetes/event-recorder.ts';
import type { Ingress } from '../kubernetes/objects.ts';
import type { AnnotationConflict } from './verification.ts';
import type { VerificationRecord } from './verification-records.ts';

/** The Events that are told beside an Ingress, by their reason: what `kubectl describe ingress` shows. */
export const eventTypes = {
  ClientVerificationEnforced: 'Normal',
  ClientVerificationUndone: 'Normal',
  DriftRepaired: 'Normal',
  FieldManagerConflict: 'Warning',
  ClientVerificationUnsafe: 'Warning',
  ClientVerificationRefused: 'Warning',
  ProbeContradicts: 'Warning',
  ProbeConfirms: 'Normal',
} as const;

type EventReason = keyof typeof eventTypes;

export interface IngressEvent {
  readonly reason: EventReason;
  readonly message: string;
}

/** The recorder of Kubernetes Events: never throws, never waits. */
export type EventSink = Pick<EventRecorder, 'record'>;

/** Tells it beside the Ingress; nowhere without a recorder. */
export function tell(
  events: EventSink | undefined,
  { metadata }: Pick<Ingress, 'metadata'>,
  { reason, message }: IngressEvent,
): void {
  const { namespace = '', name, uid } = metadata;
  const regarding = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    namespace,
    name,
    ...(uid === undefined ? {} : { uid }),
  };
  events?.record(regarding, { type: eventTypes[reason], reason, message });
}

export function enforcedEvent({ settings, hosts, origin }: VerificationRecord): IngressEvent {
  const asked = origin === 'annotation' ? 'by annotation' : 'by a call';
  const message = `Client verification (${settings.mode}) is in force for ${hosts.join(', ')}, as asked for ${asked}.`;
  return { reason: 'ClientVerificationEnforced', message };
}

export function undoneEvent(warnings: readonly FaultReason[]): IngressEvent {
  const message = ['Client verification was taken back.', ...warnings.map(({ detail }) => detail)].join(' ');
  return { reason: 'ClientVerificationUndone', message };
}

export function repairedEvent(annotations: readonly string[]): IngressEvent {
  return { reason: 'DriftRepaired', message: `Put back as enforced: ${annotations.join(', ')}.` };
}

export function conflictEvent(conflicts: readonly AnnotationConflict[]): IngressEvent {
  const held = conflicts.map(({ annotation, manager, found, wanted }) => {
    const quoted = (value: string | null) => (value === null ? 'not there' : `"${value}"`);
    return `${annotation} is ${quoted(found)} by ${manager}, and should be ${quoted(wanted)}`;
  });
  const message = `Not as enforced, and not fought over: ${held.join('; ')}.`;
  return { reason: 'FieldManagerConflict', message };
}

export function unsafeEvent(reasons: readonly FaultReason[]): IngressEvent {
  const details = reasons.map(({ detail }) => detail).join(' ');
  return { reason: 'ClientVerificationUnsafe', message: `Client verification is not safe: ${details}` };
}

export function refusedEvent(reasons: readonly FaultReason[]): IngressEvent {
  const details = reasons.map(({ detail }) => detail).join(' ');
  return { reason: 'ClientVerificationRefused', message: `Not carried out: ${details}` };
}
