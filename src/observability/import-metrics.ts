import { Counter, type Registry } from 'prom-client';
import type { ImportCounts } from '../imports/import-report.ts';
import type { Metrics } from './metrics.ts';

/** The other members of a report, `read` and `withoutCertificate`, count once more what these do. */
const outcomes: readonly Exclude<keyof ImportCounts, 'read' | 'withoutCertificate'>[] = [
  'recorded',
  'alreadyKnown',
  'expired',
  'passedOver',
  'revoked',
  'changed',
  'alreadyRevoked',
  'notRevoked',
  'siblings',
];

/** What imports have brought, by the words of their reports. */
export function importMetrics(registers: Registry[]): Pick<Metrics, 'imported'> {
  const imported = new Counter({
    name: 'internal_ca_imported_total',
    help: 'Certificates and revocations of imports, by what has become of them; problems are what was not taken as it is.',
    labelNames: ['outcome'],
    registers,
  });
  for (const outcome of [...outcomes, 'problems']) imported.inc({ outcome }, 0);
  return {
    imported: (report) => {
      for (const outcome of outcomes) imported.inc({ outcome }, report[outcome]);
      imported.inc({ outcome: 'problems' }, report.problemCount);
    },
  };
}
