import { faultReasonsIn } from '../../fault.ts';
import { membersOf } from '../../members-of.ts';
import type { ProbeRecord, ProbeStore } from '../../store/probes.ts';
import type { DetailedProbeReport, ProbeReport, ProbeReports, ProbeVerdict } from './probe-report.ts';

/** Typed reports over the rows, whose JSON column the store does not look into. */
export function createProbeReports(rows: Pick<ProbeStore, 'find' | 'list'>): ProbeReports {
  return {
    async latest(namespace, name) {
      const row = await rows.find(namespace, name);
      return row === undefined ? undefined : fromRow(row);
    },
    list: async () => (await rows.list()).map(fromRow),
  };
}

/** The row of a report; its JSON is the whole of it, for whoever looks into the table. */
export function toRow(report: DetailedProbeReport): ProbeRecord {
  const { namespace, name, verdict, probedAt, recordUpdatedAt, ...rest } = report;
  return { namespace, name, verdict, probedAt, recordUpdatedAt, report: rest };
}

function fromRow({ report, verdict, ...columns }: ProbeRecord): ProbeReport {
  const { address, reasons } = membersOf(report);
  return {
    ...columns,
    verdict: verdictOf(verdict),
    ...(typeof address === 'string' ? { address } : {}),
    reasons: faultReasonsIn(reasons),
  };
}

function verdictOf(text: string): ProbeVerdict {
  return text === 'confirmed' || text === 'contradicted' ? text : 'inconclusive';
}
