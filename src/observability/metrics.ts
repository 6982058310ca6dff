import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { SecretBudget } from '../budget/secret-budget.ts';
import type { Clock } from '../clock.ts';
import type { FaultCode } from '../fault.ts';
import type { ImportReport } from '../imports/import-report.ts';
import type { OcspOutcome } from '../ocsp/ocsp-service.ts';
import type { CrlCheck } from '../revocation/crl-check-failed.ts';
import type { RevocationIndex } from '../revocation/revocation-index.ts';
import type { VerifyReason } from '../verification/verifier.ts';
import type { WatchdogFigures } from '../watchdog/watchdog.ts';
import { accessMetrics } from './access-metrics.ts';
import { budgetMetrics, type OnlineFigures } from './budget-metrics.ts';
import { crlMetrics } from './crl-metrics.ts';
import { importMetrics } from './import-metrics.ts';
import { leadershipMetrics } from './leadership-metrics.ts';
import { ocspMetrics } from './ocsp-metrics.ts';
import { type CountedVerdict, probeMetrics } from './probe-metrics.ts';
import { publicationMetrics } from './publication-metrics.ts';
import { revocationIndexMetrics } from './revocation-index-metrics.ts';
import { collectAtScrape, type ScrapeSources } from './scrape.ts';
import { tlsMetrics } from './tls-metrics.ts';
import { verificationMetrics } from './verification-metrics.ts';
import { watchdogMetrics } from './watchdog-metrics.ts';

export interface HttpObservation {
  /** The route's pattern (`/v1/certificates/:serial`), never the path asked for: that would be unbounded. */
  readonly route: string;
  readonly method: string;
  readonly status: number;
  readonly seconds: number;
}

export interface CrlObservation {
  readonly number: bigint;
  readonly entries: number;
  readonly sizeBytes: number;
  readonly nextUpdate: Date;
}

/**
 * Everything the service counts. One object per process and no global registry, so that tests stand alone.
 * Every label has few values: authorities, profiles, fault codes, reasons, routes; never a serial, a name or a path.
 */
export interface Metrics {
  certificateIssued(authority: string, profile: string): void;
  certificateRefused(reason: FaultCode): void;
  /** `reason` is one of RFC 5280's names. */
  certificateRevoked(reason: string, count: number): void;
  holdReleased(): void;
  /** What was taken over from elsewhere, by an import that was no dry run. Nothing of it is in `certificateRevoked`. */
  imported(report: ImportReport): void;
  issuanceTook(profile: string, seconds: number): void;
  crlBuilt(authority: string, seconds: number): void;
  crlBuildFailed(authority: string): void;
  /** A CRL was made that must not be published. */
  crlCheckFailed(check: CrlCheck): void;
  /** The CRL that is served now, whoever built it. */
  crlCurrent(authority: string, crl: CrlObservation): void;
  /** One target (`secret:ns/name`, `directory`) holds the current material since `at`. */
  publicationSucceeded(target: string, at: Date): void;
  publicationFailed(target: string): void;
  /** What this replica knows of revocations: its series are read at each scrape. Call once. */
  revocationIndex(index: Pick<RevocationIndex, 'size' | 'position' | 'ageMs'>): void;
  revocationIndexFailed(): void;
  /** The target is no longer kept; its series end. */
  publicationForgotten(target: string): void;
  /** What was read back of what is published: its series are read at each scrape. Call once. */
  watchdog(figures: WatchdogFigures): void;
  /** How full the published Secret is. */
  secretBudget(budget: SecretBudget): void;
  /** What the leader saw of the copies without a CRL; undefined on a replica that does not lead. */
  secretsOnline(figures: OnlineFigures | undefined): void;
  /** The door of an enforced Ingress was tried. */
  probed(verdict: CountedVerdict): void;
  /** What this replica knows of who leads; again and again, changed or not. */
  leadership(status: { readonly leading: boolean; readonly epoch: bigint }): void;
  /** One certificate was answered for, or one request got an error. */
  ocspAnswered(outcome: OcspOutcome): void;
  ocspSigned(): void;
  /** OCSP answers are signed with a new certificate. */
  ocspResponder(authority: string, times: { readonly notAfter: Date; readonly renewAt: Date }): void;
  ocspResponderFailed(authority: string): void;
  authenticationRefused(kind: 'unauthenticated' | 'forbidden'): void;
  /** The Kubernetes API was asked about a service account token. */
  tokenReviewed(outcome: 'accepted' | 'refused' | 'unanswered'): void;
  /** The service's own TLS certificate is served, and valid until then. */
  tlsServed(notAfter: Date): void;
  tlsReloadFailed(): void;
  /** Live verification answered: a client was let in, or why not. */
  verified(outcome: 'admitted' | 'admitted-without-certificate' | VerifyReason): void;
  httpRequest(observation: HttpObservation): void;
  /** Figures that are asked for at each scrape. Call once, when the parts that know them stand. */
  attach(sources: ScrapeSources): void;
  /** The whole in the Prometheus text format. A source that fails or is slow costs its own figures only. */
  render(): Promise<string>;
  readonly contentType: string;
}

export interface MetricsOptions {
  readonly clock: Clock;
  readonly version: string;
  /** Whether to add the process's own figures (memory, CPU, event loop). Off in tests. */
  readonly processMetrics: boolean;
}

/** A client may invent a method; a label may not. */
const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

const requestBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Creates the metrics of one process, on a registry of their own. */
export function createMetrics({ clock, version, processMetrics }: MetricsOptions): Metrics {
  const registry = new Registry();
  const registers = [registry];
  if (processMetrics) collectDefaultMetrics({ register: registry });

  const issued = new Counter({
    name: 'internal_ca_certificates_issued_total',
    help: 'Certificates issued.',
    labelNames: ['authority', 'profile'],
    registers,
  });
  const refused = new Counter({
    name: 'internal_ca_certificates_refused_total',
    help: 'Certificate requests refused, by the code of the fault.',
    labelNames: ['reason'],
    registers,
  });
  const revoked = new Counter({
    name: 'internal_ca_certificates_revoked_total',
    help: 'Certificates revoked here, by RFC 5280 reason; one that gets another reason counts again.',
    labelNames: ['reason'],
    registers,
  });
  const released = new Counter({
    name: 'internal_ca_holds_released_total',
    help: 'Certificates released from certificateHold.',
    registers,
  });
  const issuance = new Histogram({
    name: 'internal_ca_issuance_duration_seconds',
    help: 'From the CSR to the committed certificate.',
    labelNames: ['profile'],
    buckets: requestBuckets,
    registers,
  });
  const authentication = new Counter({
    name: 'internal_ca_authentication_refused_total',
    help: 'Calls refused because nobody known called, or because a permission was missing.',
    labelNames: ['kind'],
    registers,
  });
  authentication.inc({ kind: 'unauthenticated' }, 0);
  authentication.inc({ kind: 'forbidden' }, 0);
  const requests = new Histogram({
    name: 'internal_ca_http_request_duration_seconds',
    help: 'Time to answer an HTTP request.',
    labelNames: ['route', 'method', 'status'],
    buckets: requestBuckets,
    registers,
  });
  new Gauge({
    name: 'internal_ca_build_info',
    help: 'Always 1; the labels tell the version.',
    labelNames: ['version', 'node'],
    registers,
  }).set({ version, node: process.versions.node }, 1);

  const crl = crlMetrics(registers, clock);
  const publication = publicationMetrics(registers, clock);

  return {
    certificateIssued: (authority, profile) => issued.inc({ authority, profile }),
    certificateRefused: (reason) => refused.inc({ reason }),
    certificateRevoked: (reason, count) => revoked.inc({ reason }, count),
    holdReleased: () => released.inc(),
    issuanceTook: (profile, seconds) => issuance.observe({ profile }, seconds),
    ...importMetrics(registers),
    ...crl,
    ...publication,
    ...watchdogMetrics(registers, clock),
    ...budgetMetrics(registers),
    ...revocationIndexMetrics(registers),
    ...probeMetrics(registers),
    ...leadershipMetrics(registers),
    ...accessMetrics(registers),
    ...tlsMetrics(registers, clock),
    ...verificationMetrics(registers),
    ...ocspMetrics(registers, clock),
    authenticationRefused: (kind) => authentication.inc({ kind }),
    httpRequest: ({ route, method, status, seconds }) => {
      requests.observe({ route, method: knownMethods.has(method) ? method : 'other', status }, seconds);
    },
    attach: (sources) => collectAtScrape(registers, sources),
    render: () => renderEach(registry),
    contentType: registry.contentType,
  };
}

/** Each metric by itself: one whose figures cannot be read is absent, and costs no other. */
async function renderEach(registry: Registry): Promise<string> {
  const names = registry.getMetricsAsArray().map(({ name }) => name);
  const texts = await Promise.allSettled(names.map((name) => registry.getSingleMetricAsString(name)));
  return texts.map((text) => (text.status === 'fulfilled' ? `${text.value}\n` : '')).join('\n');
}
