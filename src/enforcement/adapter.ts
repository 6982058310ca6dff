import type { FaultReason } from '../fault.ts';
import type { ConfigMap, Ingress, IngressClass } from '../kubernetes/objects.ts';
import type { VerifyUrlFor } from '../verification/verify-url.ts';
import type { Refusal } from './probe/probe-report.ts';
import type { RevocationMode } from './revocation.ts';
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
  /** What is to be written, whatever `settings` wish. */
  readonly revocation: RevocationMode;
  /** Where the controller asks about the clients of an Ingress; absent when it cannot ask us. */
  readonly verifyUrlFor?: VerifyUrlFor | undefined;
  /** What was written on it the last time. */
  readonly written?: Readonly<Record<string, string>>;
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
  /** Those among them that would not be there if the controller did not ask us. */
  readonly onlineReasons: readonly FaultReason[];
  readonly warnings: readonly VerificationWarning[];
  readonly revocationEnforced: boolean;
  /** Every path of the hosts asks us. */
  readonly wholeHost: boolean;
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
  /**
   * How this controller itself turned a client of that Ingress away; undefined: it may be the application's answer.
   * @param asksUs it asks us about each request, so that a refusal can be ours
   */
  refusal(answer: DoorAnswer, ingress: Ingress, asksUs: boolean): Refusal | undefined;
}
