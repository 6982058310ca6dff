import type { FaultReason } from '../fault.ts';

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
}

/** The wish with its defaults filled in; this is what is recorded. */
export interface VerificationSettings {
  readonly mode: VerificationMode;
  readonly passCertificate: boolean;
  readonly errorPage?: string;
  readonly matchCommonName?: string;
}

/**
 * `Planned`: a dry run. `Enforced`: the Ingress carries what was written (mode `on` or `optional`). `Off`: the same in
 * mode `off`. `Pending`: recorded, but not seen on the Ingress yet; a repeated PUT finishes it, DELETE takes it back.
 * `Drifted`: somebody changed what we wrote. `Unsafe`: our annotations stand, but something else now goes round them
 * (`observed.problems`). `Missing`: the Ingress is gone or was made anew. `NotEnforced`: undone.
 */
export type VerificationState =
  | 'Planned'
  | 'Enforced'
  | 'Off'
  | 'Pending'
  | 'Drifted'
  | 'Unsafe'
  | 'Missing'
  | 'NotEnforced';

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

/** What is really there, read just now. */
export interface VerificationObservation {
  readonly ingress: 'present' | 'missing' | 'recreated';
  readonly differences: readonly AnnotationDifference[];
  /** Reasons for which the same PUT would be refused now. */
  readonly problems: readonly FaultReason[];
  /** Our copy of the Secret in that namespace, as far as this process knows. */
  readonly secret?: { readonly crlNumber?: string; readonly writtenAt?: Date; readonly error?: string };
}

/** The answer of every call about one Ingress. */
export interface ClientVerification {
  readonly namespace: string;
  readonly name: string;
  readonly controller: ControllerName;
  readonly authority: string;
  readonly mode: VerificationMode;
  readonly passCertificate: boolean;
  readonly errorPage?: string;
  readonly matchCommonName?: string;
  /** Every host whose clients are now asked for a certificate. */
  readonly hosts: readonly string[];
  readonly secret: { readonly namespace: string; readonly name: string };
  readonly annotations: {
    readonly written: Readonly<Record<string, string>>;
    /** What stood there before us; null where nothing did. DELETE restores exactly this. */
    readonly before: Readonly<Record<string, string | null>>;
  };
  /** True when the controller consults `ca.crl` for every certificate that it is shown. */
  readonly revocationEnforced: boolean;
  readonly warnings: readonly VerificationWarning[];
  readonly state: VerificationState;
  readonly observed: VerificationObservation;
  readonly dryRun: boolean;
  readonly requester: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}
