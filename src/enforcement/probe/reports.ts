import { faultReasonsIn } from '../../fault.ts';
import { membersOf } from '../../members-of.ts';
import type { ProbeRecord, ProbeStore } from '../../store/probes.ts';
import type { VerificationRecords } from '../verification-records.ts';
import {
  type DetailedProbeReport,
  isAboutRecord,
  type ProbeReport,
  type ProbeReports,
  type ProbeVerdict,
} from './probe-report.ts';

/** Typed reports over the rows, whose JSON column the store does not look into. */
export function createProbeReports(
  rows: Pick<ProbeStore, 'find' | 'list'>,
  records: Pick<VerificationRecords, 'find'>,
): ProbeReports {
  return {
    async latest(namespace, name) {
      const row = await rows.find(namespace, name);
      return row === undefined ? undefined : fromRow(row);
    },
    list: async () => (await rows.list()).map(fromRow),
    async onlineProven(namespace, name) {
      const [row, record] = await Promise.all([rows.find(namespace, name), records.find(namespace, name)]);
      if (row === undefined || record?.state !== 'applied' || !record.revocation.wholeHost) return false;
      const report = fromRow(row);
      return report.onlineProvenAt !== undefined && isAboutRecord(report, record);
    },
  };
}

/** The row of a report; its JSON is the whole of it, for whoever looks into the table. */
export function toRow(report: DetailedProbeReport): ProbeRecord {
  const { namespace, name, verdict, probedAt, recordUpdatedAt, ...rest } = report;
  return { namespace, name, verdict, probedAt, recordUpdatedAt, report: rest };
}

function fromRow({ report, verdict, ...columns }: ProbeRecord): ProbeReport {
  const { address, reasons, onlineProvenAt } = membersOf(report);
  return {
    ...columns,
    verdict: verdictOf(verdict),
    ...(typeof address === 'string' ? { address } : {}),
    ...provenAt(onlineProvenAt),
    reasons: faultReasonsIn(reasons),
  };
}

function provenAt(value: unknown): Pick<ProbeReport, 'onlineProvenAt'> {
  const at = new Date(typeof value === 'string' ? value : Number.NaN);
  return Number.isNaN(at.getTime()) ? {} : { onlineProvenAt: at };
}

function verdictOf(text: string): ProbeVerdict {
  return text === 'confirmed' || text === 'contradicted' ? text : 'inconclusive';
}
