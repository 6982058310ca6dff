import type { FaultReason } from '../fault.ts';
import type { AllowRule } from '../verification/allow-rule.ts';
import type { ProbeVerdict } from './probe/probe-report.ts';
import type { RevocationMode } from './revocation.ts';

/** `on`: no request without a valid certificate. `optional`: none or a valid one. `off`: nobody is asked. */
export type VerificationMode = 'on' | 'optional' | 'off';

/** The controllers that there is an adapter for. */
export type ControllerName = 'ingress-nginx';

/** What a caller asks for one Ingress; everything has a default. */
export interface VerificationWish {
  /** Default: `on`. */
  readonly mode?: VerificationMode;
  /** Default: the authority that signs when a request names none. */
  readonly authority?: string;
  /** A `ControllerName`, or `auto`: concluded from the IngressClass. Default: the configured one. */
  readonly controller?: string;
  /** Hand the client's certificate to the upstream. Default: true. */
  readonly passCertificate?: boolean;
  /** Where a client without a valid certificate is sent: `https://…`, a local path, or `@name`. */
  readonly errorPage?: string;
  /** The exact commonName that the client's subject must hold; `*` means any. */
  readonly matchCommonName?: string;
  /** How a revoked certificate is noticed. Default: `crl`. */
  readonly revocation?: RevocationMode;
  /** Whose certificates are let in, one rule that fits being enough; needs `online` or `both`. Default: everybody's. */
  readonly allow?: readonly AllowRule[];
}

/** The wish with its defaults filled in; this is what is recorded. */
export interface VerificationSettings {
  readonly mode: VerificationMode;
  readonly passCertificate: boolean;
  readonly errorPage?: string;
  readonly matchCommonName?: string;
  readonly revocation: RevocationMode;
  readonly allow?: readonly AllowRule[];
}

/** Who wishes it: whoever called the API, or the Ingress itself by its annotation. */
export type VerificationOrigin = 'api' | 'annotation';

/**
 * The states, the first that applies. `Planned`: a dry run. `Undone`: the answer to taking it back. `Undoing`: that was cut
 * short, and is about to be finished. `Missing`: the Ingress
 * is gone; the wish waits for it. `Pending`: wished, but not on the Ingress yet. `Conflict`: another field manager holds
 * what we have to write, and is not fought. `Drifted`: somebody removed what we wrote; it is about to be put back. `Off`:
 * all stands, in mode `off`. `NotEnforced`: all stands, and yet a probe found the door otherwise. `Unsafe`: something goes
 * round it (`observed.problems`), or it cannot be made safe in the first place. `Enforced`: all stands.
 */
export type VerificationState =
  | 'Planned'
  | 'Undone'
  | 'Undoing'
  | 'Missing'
  | 'Pending'
  | 'Conflict'
  | 'Drifted'
  | 'Off'
  | 'NotEnforced'
  | 'Unsafe'
  | 'Enforced';

/** Something worth knowing that did not stop the call. `code` is stable, kebab-case. */
export type VerificationWarning = FaultReason;

/** One of our annotations that is not as we wrote it. */
export interface AnnotationDifference {
  readonly annotation: string;
  readonly wanted: string | null;
  readonly found: string | null;
  /** The field manager that holds it now, when one does. */
  readonly manager?: string;
}

/** An annotation that another field manager holds, with another value or by taking ours away again and again. */
export interface AnnotationConflict {
  readonly annotation: string;
  readonly manager: string;
  readonly found: string | null;
  readonly wanted: string | null;
}

/** What is really there, read just now. */
export interface VerificationObservation {
  readonly ingress: 'present' | 'missing' | 'recreated';
  readonly differences: readonly AnnotationDifference[];
  /** Who stands in the way, in state `Conflict`. */
  readonly conflicts: readonly AnnotationConflict[];
  /** Reasons for which the same PUT would be refused now, and why the last attempt of the reconciler failed. */
  readonly problems: readonly FaultReason[];
  /** Our copy of the Secret in that namespace, as far as is known. */
  readonly secret?: { readonly crlNumber?: string; readonly writtenAt?: Date; readonly error?: string };
  /** What the door did when it was last tried from outside. */
  readonly probe?: {
    readonly verdict: ProbeVerdict;
    readonly probedAt: Date;
    /** When a revoked certificate that is on no CRL was last seen refused. */
    readonly onlineProvenAt?: Date;
    readonly reasons: readonly FaultReason[];
  };
}

/** The answer of every call about one Ingress. */
export interface ClientVerification {
  readonly namespace: string;
  readonly name: string;
  readonly origin: VerificationOrigin;
  readonly controller: ControllerName;
  readonly authority: string;
  readonly mode: VerificationMode;
  readonly passCertificate: boolean;
  readonly errorPage?: string;
  readonly matchCommonName?: string;
  readonly revocation: {
    readonly wished: RevocationMode;
    readonly effective: RevocationMode;
    /** Why it is not what was wished, or cannot become what the Secret's budget needs. */
    readonly why?: FaultReason;
  };
  readonly allow?: readonly AllowRule[];
  /** Every host whose clients are now asked for a certificate. */
  readonly hosts: readonly string[];
  readonly secret: { readonly namespace: string; readonly name: string };
  readonly annotations: {
    readonly written: Readonly<Record<string, string>>;
    /** What stood there before us; null where nothing did. DELETE restores exactly this. */
    readonly before: Readonly<Record<string, string | null>>;
  };
  /** True when the controller consults `ca.crl`, or asks us, about every certificate that it is shown. */
  readonly revocationEnforced: boolean;
  readonly warnings: readonly VerificationWarning[];
  readonly state: VerificationState;
  readonly observed: VerificationObservation;
  readonly dryRun: boolean;
  readonly requester: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}
