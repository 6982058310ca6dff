import type { FaultReason } from '../../fault.ts';

/**
 * `confirmed`: every host did what is wished, by every check. `contradicted`: at least one did not. `inconclusive`: none
 * contradicts, but not everything could be seen.
 */
export type ProbeVerdict = 'confirmed' | 'contradicted' | 'inconclusive';

/** The requests: three identities on the TLS port, four with live verification, and plain HTTP without a certificate. */
export type ProbeCheckName =
  | 'no-certificate'
  | 'our-certificate'
  | 'unknown-authority'
  | 'revoked-certificate'
  | 'plain-http'
  | 'plain-http-forwarded';

/** What a connection came to. */
export type ProbeAnswer =
  | {
      readonly kind: 'http';
      readonly status: number;
      readonly location?: string;
      /** How the controller's own words read the answer; absent where it may be the application's. */
      readonly refusal?: Refusal;
    }
  /** RFC 8446 section 6.2, such as `certificate_required`. */
  | { readonly kind: 'tls-alert'; readonly alert: string }
  | { readonly kind: UnansweredKind };

/**
 * `refused`: nobody listens. `closed`: the connection was taken and ended without an answer. `tls-failed`: no handshake
 * could be made. `malformed`: what came is no HTTP/1.1.
 */
export type UnansweredKind =
  | 'refused'
  | 'timeout'
  | 'reset'
  | 'closed'
  | 'unresolved'
  | 'unreachable'
  | 'tls-failed'
  | 'malformed';

/**
 * Why a door turns somebody away, by its own words. `closed`: whoever it is, or whom we told it to. `unauthenticated`: whom we
 * told it not to know. `unverifiable`: it could not ask us. `perhaps`: an error page of the host itself answers, which looks
 * like the application.
 */
export type Refusal =
  | 'no-certificate'
  | 'bad-certificate'
  | 'name-not-allowed'
  | 'error-page'
  | 'closed'
  | 'unauthenticated'
  | 'unverifiable'
  | 'perhaps';

export type ProbeExpectation =
  | 'refused'
  | 'let-in'
  | 'refused-for-its-name'
  | 'redirected-or-refused'
  | 'anything';

export type ProbeOutcome = 'as-expected' | 'contradicts' | 'unclear';

export interface ProbeCheck {
  readonly name: ProbeCheckName;
  readonly expected: ProbeExpectation;
  readonly answer: ProbeAnswer;
  readonly outcome: ProbeOutcome;
  /** One sentence. */
  readonly detail: string;
}

export interface ProbedHost {
  /** As the Ingress has it, a wildcard included. */
  readonly host: string;
  /** What was sent as SNI and Host: a label of ours in place of the asterisk. */
  readonly serverName: string;
  readonly checks: readonly ProbeCheck[];
}

/** What one Ingress's door did when it was tried, as it is kept. */
export interface ProbeReport {
  readonly namespace: string;
  readonly name: string;
  readonly verdict: ProbeVerdict;
  readonly probedAt: Date;
  /** `updatedAt` of the record that it was held against; see `isAboutRecord`. */
  readonly recordUpdatedAt: Date;
  /** Where the connections went; absent when no address is known. */
  readonly address?: string;
  /**
   * When a revoked certificate that is on no CRL was last seen refused on every host, by a door that lets its like in. Kept while
   * later tries could not see it.
   */
  readonly onlineProvenAt?: Date;
  /** Why the verdict is not `confirmed`: one for each kind of finding, with the hosts in its detail. */
  readonly reasons: readonly FaultReason[];
}

/** The whole of it, for whoever asked. */
export interface DetailedProbeReport extends ProbeReport {
  readonly hosts: readonly ProbedHost[];
}

/**
 * True when the report judged the wish as it stands in the record now. Not a comparison with `probedAt`: the replica that
 * wrote the record and the one that probed may have clocks minutes apart.
 */
export function isAboutRecord(
  report: Pick<ProbeReport, 'recordUpdatedAt'>,
  record: { readonly updatedAt: Date },
): boolean {
  return report.recordUpdatedAt.getTime() === record.updatedAt.getTime();
}

/**
 * The standing report of each Ingress, as every replica reads it from the database: the last one, but for a
 * contradiction, which stands until a later probe confirms or the record changes.
 */
export interface ProbeReports {
  latest(namespace: string, name: string): Promise<ProbeReport | undefined>;
  /** By namespace and name. */
  list(): Promise<readonly ProbeReport[]>;
  /**
   * Whether the door of this Ingress, as its record stands now, was seen to refuse a revoked certificate of which no CRL tells,
   * and every path of its hosts asks us: so it needs no CRL.
   */
  onlineProven(namespace: string, name: string): Promise<boolean>;
}
