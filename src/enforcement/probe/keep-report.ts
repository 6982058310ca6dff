import type { Metrics } from '../../observability/metrics.ts';
import type { ProbeStore } from '../../store/probes.ts';
import { type EventSink, type IngressEvent, tell } from '../events.ts';
import type { VerificationRecord } from '../verification-records.ts';
import {
  type DetailedProbeReport,
  isAboutRecord,
  type ProbeReport,
  type ProbeReports,
} from './probe-report.ts';
import { toRow } from './reports.ts';

export interface KeepingParts {
  readonly rows: Pick<ProbeStore, 'put' | 'touch'>;
  readonly reports: Pick<ProbeReports, 'latest'>;
  readonly metrics: Pick<Metrics, 'probed'>;
  readonly events?: EventSink | undefined;
}

/**
 * Makes it the standing report, unless the wish is another one by now, and tells beside the Ingress when the verdict turns.
 * A try that told nothing takes back no contradiction: the door was seen open and has not been seen closed since.
 * @throws Fault `database-unavailable`
 */
export async function keepReport(
  parts: KeepingParts,
  record: VerificationRecord,
  report: DetailedProbeReport,
): Promise<void> {
  const { namespace, name, verdict } = report;
  parts.metrics.probed(verdict);
  const standing = verdict === 'inconclusive' ? await parts.reports.latest(namespace, name) : undefined;
  const still = standing !== undefined && isAboutRecord(standing, record) ? standing : undefined;
  if (still?.verdict === 'contradicted') {
    await parts.rows.touch(namespace, name);
    return;
  }
  const replaced = await parts.rows.put(toRow(withProofOf(still, report)));
  const event = replaced === undefined ? undefined : turnOf(replaced, report);
  if (event !== undefined) {
    tell(parts.events, { metadata: { namespace, name, uid: record.uid } }, event);
  }
}

/** So long does the proof of an earlier try stand while later ones see nothing. */
const proofMs = 86_400_000;

/** A door that could not be seen just now was not seen to let the revoked in. */
function withProofOf(standing: ProbeReport | undefined, report: DetailedProbeReport): DetailedProbeReport {
  const provenAt = report.onlineProvenAt ?? standing?.onlineProvenAt;
  if (provenAt === undefined || report.probedAt.getTime() - provenAt.getTime() > proofMs) return report;
  return { ...report, onlineProvenAt: provenAt };
}

function turnOf(before: string | null, { verdict, reasons }: DetailedProbeReport) {
  if (verdict === 'contradicted' && before !== 'contradicted') {
    const details = reasons.map(({ detail }) => detail).join(' ');
    return { reason: 'ProbeContradicts', message: details } satisfies IngressEvent;
  }
  if (verdict === 'confirmed' && before === 'contradicted') {
    const message = 'Every host was tried again and does what is wished.';
    return { reason: 'ProbeConfirms', message } satisfies IngressEvent;
  }
  return undefined;
}
