import type { FaultReason } from '../fault.ts';
import type { ConfigMap, Ingress, IngressClass } from '../kubernetes/objects.ts';
import type { Refusal } from './probe/probe-report.ts';
import type { ControllerName, VerificationSettings, VerificationWarning } from './verification.ts';

/** Everything that an adapter may look at; it reads nothing itself, so that every decision can be tested as data. */
export interface AdapterInput {
  readonly ingress: Ingress;
  /** All Ingresses that we may see, `ingress` itself included. */
  readonly ingresses: readonly Ingress[];
  /** Absent when we may not read them. */
  readonly ingressClasses?: readonly IngressClass[];
  /** The controller's own ConfigMap, when it is configured and readable. */
  readonly controllerConfig?: ConfigMap;
  /** True when somebody named the controller; false when it is only concluded from the IngressClass. */
  readonly controllerNamed: boolean;
  readonly settings: VerificationSettings;
  /** Intermediate CAs between a client's certificate and the root, at most. */
  readonly intermediates: number;
  readonly secretName: string;
}

export interface AdapterPlan {
  readonly hosts: readonly string[];
  /** Exactly what has to stand on the Ingress. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Why it cannot be made safe: all reasons, not the first. */
  readonly reasons: readonly FaultReason[];
  readonly warnings: readonly VerificationWarning[];
  readonly revocationEnforced: boolean;
}

/** What a probe got over HTTP. */
export interface DoorAnswer {
  readonly status: number;
  readonly location?: string;
  /** The first 16 KiB at most, octet by octet. */
  readonly body: string;
}

/** What one kind of ingress controller needs; the one place that knows its annotations and its traps. */
export interface ControllerAdapter {
  readonly name: ControllerName;
  /** True when an IngressClass with this `spec.controller` may be served by this controller. */
  serves(controller: string): boolean;
  plan(input: AdapterInput): AdapterPlan;
  /** How this controller itself turned a client of that Ingress away; undefined: it may be the application's answer. */
  refusal(answer: DoorAnswer, ingress: Ingress): Refusal | undefined;
}
