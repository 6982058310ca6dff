import type { AuthorityRegistry } from '../authority/authority.ts';
import { ingressNginx } from '../enforcement/adapters/ingress-nginx.ts';
import type { EventSink } from '../enforcement/events.ts';
import { createProbeIdentities, probeProfile } from '../enforcement/probe/identities.ts';
import { keepReport } from '../enforcement/probe/keep-report.ts';
import type { DetailedProbeReport, ProbeReports } from '../enforcement/probe/probe-report.ts';
import { createProbeService, type ProbeService } from '../enforcement/probe/probe-service.ts';
import { createProbeWork } from '../enforcement/probe/probe-work.ts';
import { createProbeReports } from '../enforcement/probe/reports.ts';
import { tryDoor } from '../enforcement/probe/try-door.ts';
import { createVerificationRecords, type VerificationRecord } from '../enforcement/verification-records.ts';
import { createIssuanceService } from '../issuance/issuance-service.ts';
import type { KubernetesApi } from '../kubernetes/client.ts';
import type { LeaderWork } from '../leadership/leadership.ts';
import { measuredIssuance } from '../observability/measured.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { createCertificateStore } from '../store/certificates.ts';
import type { createClientVerificationStore } from '../store/client-verifications.ts';
import type { Database } from '../store/database.ts';
import { createProbeStore } from '../store/probes.ts';
import { createRevocationStore } from '../store/revocations.ts';
import { templatesOf } from './crl-distribution.ts';
import type { ServiceInput } from './service-input.ts';

interface ProbingParts {
  readonly kubernetes: KubernetesApi | undefined;
  readonly database: Database;
  readonly verifications: ReturnType<typeof createClientVerificationStore>;
  readonly certificates: ReturnType<typeof createCertificateStore>;
  readonly authorities: AuthorityRegistry;
  readonly metrics: Metrics;
  readonly events?: EventSink | undefined;
}

export interface Probing {
  /** On request, on every replica. */
  readonly service: ProbeService;
  readonly reports: ProbeReports;
  /** After enforcing and from time to time, on the one that leads; none with ENFORCEMENT_PROBE=off. */
  readonly leaderWorks: readonly LeaderWork[];
}

/** Undefined without Kubernetes. */
export function openProbing(
  input: ServiceInput,
  parts: ProbingParts,
  cleanUp: AsyncDisposableStack,
): Probing | undefined {
  const { kubernetes, database, verifications, metrics, events } = parts;
  if (kubernetes === undefined) return undefined;
  const { config, clock, log } = input;
  const { mode, intervalSeconds, ...settings } = config.enforcement.probe;
  const records = createVerificationRecords(verifications);
  const rows = createProbeStore(database);
  const reports = createProbeReports(rows, records);
  const identities = createProbeIdentities({
    issuance: createProbeIssuance(input, parts),
    revocations: createRevocationStore(database),
    authorities: parts.authorities,
    clock,
  });
  const door = { kubernetes, identities, adapters: [ingressNginx], clock, settings };
  const keeping = { rows, reports, metrics, events };
  const shared = {
    records,
    tryDoor: (record: VerificationRecord, signal: AbortSignal) => tryDoor(door, record, signal),
    keep: (record: VerificationRecord, report: DetailedProbeReport) => keepReport(keeping, record, report),
  };
  const service = createProbeService(shared);
  cleanUp.defer(() => service.close());
  const onFailed = (what: string, error: unknown) => log.warn({ err: error }, what);
  const work = createProbeWork({ ...shared, rows, reports, intervalSeconds, onFailed });
  return { service, reports, leaderWorks: mode === 'on' ? [work] : [] };
}

/** The real one, in everything but the profile, which no caller can name. */
function createProbeIssuance({ config, clock }: ServiceInput, parts: ProbingParts) {
  const issuance = createIssuanceService({
    authorities: parts.authorities,
    certificates: parts.certificates,
    profiles: [probeProfile],
    templates: templatesOf(config),
    clock,
    backdateSeconds: config.issuance.backdateSeconds,
  });
  return measuredIssuance(issuance, parts.metrics);
}
