import type { Authority } from '../authority/authority.ts';
import type { ImportReport } from '../imports/import-report.ts';
import { importStartFiles } from '../imports/start-files.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Database } from '../store/database.ts';
import type { ServiceInput } from './service-input.ts';

/** So many problems are named in the log; the rest is counted. */
const namedProblems = 10;

/** What CA_IMPORT_… name, before there is a CRL. @throws AuthorityError */
export async function importAtStart(
  { config, clock, log }: ServiceInput,
  parts: {
    readonly database: Pick<Database, 'query' | 'withAdvisoryLock'>;
    readonly metrics: Pick<Metrics, 'imported'>;
    readonly authority: Authority;
  },
): Promise<void> {
  const { database, metrics, authority } = parts;
  const { importIndexFile, importCrlFile, importCertificates } = config.authority;
  const onImported = (setting: string, report: ImportReport): void => {
    metrics.imported(report);
    const { dryRun: _, problems, crlNumber, ...counts } = report;
    const told = {
      setting,
      ...counts,
      ...(crlNumber === undefined ? {} : { crlNumber: crlNumber.toString() }),
    };
    if (problems.length === 0) log.info(told, 'imported');
    else
      log.warn(
        { ...told, problems: problems.slice(0, namedProblems) },
        'imported, but for some that could not be taken as they are',
      );
  };
  await importStartFiles(
    { database, clock, authority, onImported },
    { index: importIndexFile, crl: importCrlFile, certificates: importCertificates },
  );
}
