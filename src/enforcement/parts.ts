import type { Clock } from '../clock.ts';
import type { KubernetesApi } from '../kubernetes/client.ts';
import type { Publisher } from '../publication/publisher.ts';
import type { VerifyUrlFor } from '../verification/verify-url.ts';
import type { ControllerAdapter } from './adapter.ts';
import type { EventSink } from './events.ts';
import type { EnforcementSettings } from './planning.ts';
import type { ProbeReports } from './probe/probe-report.ts';
import type { RevocationBudget } from './revocation.ts';
import type { VerificationRecords } from './verification-records.ts';

/** What enforcement needs to know of an authority: how long its chains are. */
export interface ChainedAuthority {
  readonly name: string;
  /** The CAs above it, root last; empty when it is the root. */
  readonly chain: readonly unknown[];
}

/** Everything that enforcement talks to; `service.ts` passes the real ones. */
export interface EnforcementParts {
  readonly kubernetes: Pick<
    KubernetesApi,
    | 'getNamespace'
    | 'getSecret'
    | 'getIngress'
    | 'listIngresses'
    | 'listIngressClasses'
    | 'getConfigMap'
    | 'applyIngress'
    | 'patchIngress'
  >;
  readonly records: VerificationRecords;
  /** `ensureNamespace` before the annotations, `removeUnwanted` after the last Ingress of a namespace. */
  readonly publisher: Pick<Publisher, 'ensureNamespace' | 'removeUnwanted' | 'status'>;
  readonly authorities: {
    readonly default: ChainedAuthority;
    /** @throws Fault authority-not-found */
    get(name: string): ChainedAuthority;
  };
  /** One holder at a time across every process: two Ingresses of one host must not be judged side by side. */
  withAdvisoryLock<T>(key: string, work: () => Promise<T>): Promise<T>;
  readonly clock: Clock;
  /** What the doors did when they were tried; without it nothing is known of that. */
  readonly probes?: Pick<ProbeReports, 'latest' | 'list'> | undefined;
  /** Where controllers ask us about clients; absent when they cannot (VERIFY_URL). */
  readonly verifyUrlFor?: VerifyUrlFor | undefined;
  /** Moves Ingresses off the CRL in time; without it, all stay as wished. */
  readonly budget?: RevocationBudget | undefined;
  /** Where each step is told, beside the Ingress; nowhere when absent. */
  readonly events?: EventSink | undefined;
  readonly adapters: readonly [ControllerAdapter, ...ControllerAdapter[]];
  readonly settings: EnforcementSettings;
  /** A failure that did not stop the call, for the log. */
  warn(message: string, error: unknown): void;
}
