import type { FastifyBaseLogger } from 'fastify';
import type { Authenticator } from '../access/authenticator.ts';
import type { TokenService } from '../access/token-service.ts';
import type { Authority } from '../authority/authority.ts';
import type { Budget } from '../budget/budget.ts';
import type { Clock } from '../clock.ts';
import type { EnforcementService } from '../enforcement/enforcement-service.ts';
import type { ProbeService } from '../enforcement/probe/probe-service.ts';
import type { ImportService } from '../imports/import-service.ts';
import type { IssuanceService } from '../issuance/issuance-service.ts';
import type { Health } from '../observability/health.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { OcspService } from '../ocsp/ocsp-service.ts';
import type { Publisher } from '../publication/publisher.ts';
import type { BulkRevocationService } from '../revocation/bulk-revocation.ts';
import type { CrlFiles } from '../revocation/crl-files.ts';
import type { CrlShards } from '../revocation/crl-shards.ts';
import type { ProofOfPossessionService } from '../revocation/proof-of-possession-service.ts';
import type { RevocationService } from '../revocation/revocation-service.ts';
import type { CertificateStore } from '../store/certificates.ts';
import type { Verifier } from '../verification/verifier.ts';
import type { Watchdog } from '../watchdog/watchdog.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { Compressor } from './compression.ts';

/** What is shown of a CA certificate. */
export type CaCertificateView = Pick<Certificate, 'der' | 'serial' | 'subject' | 'notBefore' | 'notAfter'>;

/** An authority without its key: the HTTP layer cannot sign. */
export interface AuthorityView extends Pick<Authority, 'name'> {
  readonly certificate: CaCertificateView;
  readonly chain: readonly CaCertificateView[];
}

export interface AuthoritiesPart {
  readonly default: Pick<AuthorityView, 'name'>;
  /** @throws Fault `authority-not-found` */
  get(name: string): AuthorityView;
  list(): readonly AuthorityView[];
}

export interface HttpOptions {
  readonly bodyLimitBytes: number;
  /** Of what is imported. */
  readonly importBodyLimitBytes: number;
  /** A request must have arrived, headers and body, within this time; else 408. */
  readonly requestTimeoutMilliseconds: number;
  readonly keepAliveTimeoutMilliseconds: number;
  /** Addresses or CIDR ranges whose `X-Forwarded-*` are believed; empty: none. */
  readonly trustedProxies: readonly string[];
  /** The profile taken when a request names none. */
  readonly defaultProfile: string;
}

/** Everything the HTTP layer talks to; `service.ts` passes the real parts, tests pass stand-ins. */
export interface HttpParts {
  readonly options: HttpOptions;
  readonly clock: Clock;
  readonly logger: FastifyBaseLogger;
  readonly metrics: Pick<
    Metrics,
    'httpRequest' | 'authenticationRefused' | 'certificateRefused' | 'verified' | 'render' | 'contentType'
  >;
  readonly health: Pick<Health, 'report'>;
  readonly authenticator: Pick<Authenticator, 'authenticate'>;
  readonly tokens: TokenService;
  readonly issuance: IssuanceService;
  readonly revocation: RevocationService;
  readonly bulkRevocation: BulkRevocationService;
  readonly imports: ImportService;
  readonly proofOfPossession: ProofOfPossessionService;
  readonly certificates: Pick<CertificateStore, 'findBySerial' | 'search'>;
  readonly authorities: AuthoritiesPart;
  readonly crls: Pick<CrlFiles, 'current'>;
  /** Absent when CRL_SHARDS is 0. */
  readonly crlShards?: CrlShards;
  /** One for both ports, since it keeps what it has compressed. */
  readonly compressor: Compressor;
  readonly publisher: Pick<Publisher, 'status'>;
  readonly watchdog: Pick<Watchdog, 'seen'>;
  readonly budget: Pick<Budget, 'secret'>;
  readonly verifier: Verifier;
  /** Absent with OCSP=off: every call then answers `ocsp-off`. */
  readonly ocsp?: OcspService;
  /** Absent when the service runs without Kubernetes: every call then answers `kubernetes-off`. */
  readonly enforcement?: EnforcementService;
  /** Absent as `enforcement` is. */
  readonly probe?: Pick<ProbeService, 'probe'>;
}
