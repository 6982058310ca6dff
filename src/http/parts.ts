import type { FastifyBaseLogger } from 'fastify';
import type { Authenticator } from '../access/authenticator.ts';
import type { TokenService } from '../access/token-service.ts';
import type { Clock } from '../clock.ts';
import type { Profile } from '../issuance/profile.ts';
import type { Publisher } from '../publication/publisher.ts';
import type { EnforcementPart } from './enforcement-part.ts';

/** The reasons of RFC 5280 section 5.3.1 that can be given; `certificateHold` is not offered, nothing is un-revoked. */
export const revocationReasons = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'privilegeWithdrawn',
  'aACompromise',
] as const;

export type RevocationReasonName = (typeof revocationReasons)[number];

export interface IssuancePart {
  issue(request: {
    readonly csr: Uint8Array;
    readonly profile: string;
    readonly validitySeconds?: number;
    readonly authority?: string;
    readonly metadata?: Record<string, string>;
    readonly requester: string;
    readonly idempotencyKey?: string;
  }): Promise<IssuedCertificateView>;
  profiles(): readonly ProfileView[];
}

export interface IssuedCertificateView {
  readonly serial: string;
  readonly certificatePem: string;
  readonly chainPem: string;
  readonly authority: string;
  readonly profile: string;
  readonly subject: string;
  readonly sans: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly fingerprint: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export type ProfileView = Pick<
  Profile,
  | 'name'
  | 'description'
  | 'keyUsage'
  | 'extendedKeyUsage'
  | 'defaultValiditySeconds'
  | 'maxValiditySeconds'
  | 'subject'
> & {
  readonly subjectAltName: Pick<Profile['subjectAltName'], 'kinds' | 'required'>;
};

export interface RevocationPart {
  revoke(request: {
    readonly serial: string;
    readonly reason: RevocationReasonName;
    readonly requester: string;
  }): Promise<{ readonly serial: string; readonly reason: RevocationReasonName; readonly revokedAt: Date }>;
}

/** A recorded certificate; `der` is wanted only where one certificate is asked for. */
export interface CertificateRow {
  readonly serial: string;
  readonly authority: string;
  readonly profile: string;
  readonly subject: string;
  readonly sans: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly requester: string;
  readonly fingerprint: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly revocation?: {
    readonly revokedAt: Date;
    readonly reason: RevocationReasonName;
    readonly requester: string;
    readonly crlNumber?: string;
  };
}

export interface CertificateFilter {
  readonly subject?: string;
  readonly san?: string;
  readonly profile?: string;
  readonly authority?: string;
  readonly requester?: string;
  readonly state?: 'valid' | 'revoked' | 'expired';
  readonly expiresBefore?: Date;
  readonly expiresAfter?: Date;
}

export interface CertificatesPart {
  findBySerial(serial: string): Promise<(CertificateRow & { readonly der: Buffer }) | undefined>;
  search(
    filter: CertificateFilter,
    page: { readonly limit: number; readonly cursor?: string },
    now: Date,
  ): Promise<{ readonly items: readonly CertificateRow[]; readonly nextCursor?: string }>;
}

export interface AuthorityView {
  readonly name: string;
  readonly certificate: CaCertificateView;
  readonly certificatePem: string;
  /** Issuer first, root last; empty when self-signed. */
  readonly chain: readonly CaCertificateView[];
}

export interface CaCertificateView {
  readonly der: Buffer;
  readonly serial: string;
  readonly subject: { readonly der: Buffer; readonly rdns: readonly (readonly NameAttribute[])[] };
  readonly notBefore: Date;
  readonly notAfter: Date;
}

interface NameAttribute {
  readonly type: string;
  readonly stringTag: number;
  readonly value: string;
}

export interface AuthoritiesPart {
  readonly default: AuthorityView;
  /** @throws Fault `authority-not-found` */
  get(name: string): AuthorityView;
  list(): readonly AuthorityView[];
}

export interface CrlFilesPart {
  /** @throws Fault `authority-not-found`, `database-unavailable` */
  current(authority: string): Promise<{
    readonly der: Buffer;
    pem(): Promise<Buffer>;
    readonly number: bigint;
    readonly thisUpdate: Date;
    readonly nextUpdate: Date;
    readonly sha256: string;
    readonly entryCount: number;
  }>;
}

/** One condition of readiness. `detail` is shown to anybody: no secrets. */
export interface ReadinessCheck {
  readonly name: string;
  check(): Promise<{ readonly ok: boolean; readonly detail: string }>;
}

/** What the HTTP layer counts. */
export interface HttpMetrics {
  /** `route` is the pattern (`/v1/certificates/:serial`), or `unmatched`. */
  observe(route: string, method: string, status: number, seconds: number): void;
  /** One problem document went out; `code` is its fault code. */
  refused(code: string): void;
}

/** The Prometheus text, for `/metrics`. */
export interface MetricsPage {
  readonly contentType: string;
  render(): Promise<string>;
}

export interface HttpOptions {
  readonly bodyLimitBytes: number;
  /** A request must have arrived, headers and body, within this time. */
  readonly requestTimeoutMilliseconds: number;
  readonly keepAliveTimeoutMilliseconds: number;
  /** A handler that has not answered by then is answered 503 for. */
  readonly handlerTimeoutMilliseconds: number;
  /** Addresses or CIDR ranges whose `X-Forwarded-*` are believed; empty: none. */
  readonly trustedProxies: readonly string[];
  readonly publicUrl?: string;
  /** The profile taken when a request names none. */
  readonly defaultProfile: string;
  /** The program's version, for the OpenAPI document. */
  readonly version: string;
}

/** Everything the HTTP layer talks to; `service.ts` passes the real ones, tests pass stand-ins. */
export interface HttpParts {
  readonly options: HttpOptions;
  readonly clock: Clock;
  readonly logger: FastifyBaseLogger;
  readonly metrics: HttpMetrics;
  readonly metricsPage: MetricsPage;
  readonly checks: readonly ReadinessCheck[];
  readonly authenticator: Authenticator;
  readonly tokens: TokenService;
  readonly issuance: IssuancePart;
  readonly revocation: RevocationPart;
  readonly certificates: CertificatesPart;
  readonly authorities: AuthoritiesPart;
  readonly crls: CrlFilesPart;
  readonly publisher: Pick<Publisher, 'status'>;
  /** Absent when the service runs without Kubernetes: every call then answers `kubernetes-off`. */
  readonly enforcement?: EnforcementPart;
}
