import type { Authority, AuthorityRegistry } from '../authority/authority.ts';
import type { Clock } from '../clock.ts';
import { Fault, type FaultCode } from '../fault.ts';
import { isUrgent, revocationDate, revokedEntry } from '../revocation/revocation-facts.ts';
import { type Database, LockBusy, type Session } from '../store/database.ts';
import { createImportStore } from '../store/imports.ts';
import {
  certificateLabels,
  importCertificates,
  mostCertificateOctets,
  type PlacedBlock,
} from './import-certificates.ts';
import { importCrls } from './import-crl.ts';
import { importIndex } from './import-index.ts';
import type { ImportJob } from './import-job.ts';
import type { ImportProblem, ImportProblemCode } from './import-problem.ts';
import { type ImportReport, ReportWriter } from './import-report.ts';
import { pemBlocks } from './pem-blocks.ts';

export interface ImportRequest {
  readonly authority: string;
  readonly body: AsyncIterable<Buffer>;
  readonly requester: string;
  /** Count only. */
  readonly dryRun: boolean;
}

/**
 * Takes over what was issued and revoked under an authority elsewhere. What cannot be taken is reported, and stops nothing. Importing
 * the same again changes nothing; in which order things come makes no difference. Each some thousand rows are a transaction of their
 * own: what was recorded before an import broke off stays.
 * @throws Fault authority-not-found, too-many-requests (another import is under way), request-invalid (the body is not of the kind),
 * what the body throws, database-unavailable
 */
export interface ImportService {
  /** PEM with any number of certificates and anything between them. */
  importCertificates(request: ImportRequest): Promise<ImportReport>;
  /** OpenSSL's `index.txt`. */
  importIndex(request: ImportRequest): Promise<ImportReport>;
  /** A CRL in DER, or any number in PEM. @throws Fault crl-malformed, crl-refused (none is the authority's, or can be taken) */
  importCrl(request: ImportRequest): Promise<ImportReport>;
}

export interface ImportParts {
  readonly authorities: Pick<AuthorityRegistry, 'get'>;
  readonly database: Pick<Database, 'withAdvisoryLock'>;
  readonly clock: Clock;
  /** Called after the last commit that changes revocations. */
  readonly onRevoked: (authority: string, urgent: boolean) => void;
  /** At the end of an import that was no dry run, also of one that broke off: what has become of what it read. */
  readonly onEnded: (report: ImportReport) => void;
}

/** One import at a time, over all replicas. */
export const importLock = 'internal-ca/import';
const retryAfterSeconds = 30;

/** Clocks of relying parties may be behind by as much. */
const expiryMarginMs = 86_400_000;

export function createImportService(parts: ImportParts): ImportService {
  const underLock = async (
    request: ImportRequest,
    work: (job: ImportJob) => Promise<void>,
  ): Promise<ImportReport> => {
    const authority = parts.authorities.get(request.authority);
    try {
      return await parts.database.withAdvisoryLock(
        importLock,
        (session) => runImport({ ...parts, session }, authority, request, work),
        { patienceMs: 0 },
      );
    } catch (error) {
      if (!(error instanceof LockBusy)) throw error;
      throw new Fault('too-many-requests', 'Another import is under way.', { retryAfterSeconds });
    }
  };
  return {
    importCertificates: (request) =>
      underLock(request, (job) => takeCertificates(job, certificatesIn(request.body))),
    importIndex: (request) => underLock(request, (job) => takeIndex(job, request.body)),
    importCrl: (request) => underLock(request, (job) => takeCrls(job, request.body)),
  };
}

export interface ImportRunParts extends Pick<ImportParts, 'clock' | 'onRevoked' | 'onEnded'> {
  readonly session: Session;
}

/** One import, under the lock. */
export async function runImport(
  { session, clock, onRevoked, onEnded }: ImportRunParts,
  authority: Authority,
  { requester, dryRun }: Pick<ImportRequest, 'requester' | 'dryRun'>,
  work: (job: ImportJob) => Promise<void>,
): Promise<ImportReport> {
  const report = new ReportWriter();
  const store = createImportStore(session);
  // What has expired is on no CRL, for good: where our clock is ahead, that of the database, most often another one, is not.
  const earlier = Math.min(clock.now(), (await store.databaseNow()).getTime());
  let urgent: boolean | undefined;
  const job: ImportJob = {
    authority,
    report,
    store,
    terms: {
      ...{ authority: authority.name, requester, dryRun },
      now: revocationDate(clock),
      expiredBefore: new Date(earlier - expiryMarginMs),
      entryOf: revokedEntry,
    },
    onChanged(reasons) {
      urgent = urgent === true || [...reasons].some(isUrgent);
    },
  };
  try {
    await work(job);
  } finally {
    // Also when it broke off: what has committed is revoked.
    if (urgent !== undefined) onRevoked(authority.name, urgent);
    if (!dryRun) onEnded(report.report(dryRun));
  }
  return report.report(dryRun);
}

/** @throws Fault request-invalid */
export async function takeCertificates(job: ImportJob, blocks: AsyncIterable<PlacedBlock>): Promise<void> {
  if (await importCertificates(job, blocks)) return;
  throw new Fault('request-invalid', 'The body holds no certificate in PEM.');
}

export function certificatesIn(chunks: AsyncIterable<Buffer>): AsyncIterable<PlacedBlock> {
  return pemBlocks(chunks, { labels: certificateLabels, mostOctets: mostCertificateOctets });
}

/** @throws Fault request-invalid */
export async function takeIndex(job: ImportJob, chunks: AsyncIterable<Buffer>): Promise<void> {
  if (await importIndex(job, chunks)) return;
  throw new Fault('request-invalid', "No line of the body is one of OpenSSL's index.txt.");
}

/** @throws Fault crl-malformed, crl-refused */
export async function takeCrls(job: ImportJob, chunks: AsyncIterable<Buffer>): Promise<void> {
  const problem = await importCrls(job, chunks);
  if (problem !== undefined) throw crlFault(problem);
}

function crlFault({ code, message }: ImportProblem): Fault {
  return new Fault(crlFaults[code] ?? 'crl-refused', `${message}.`, { reasons: [{ code, detail: message }] });
}

const crlFaults: Readonly<Partial<Record<ImportProblemCode, FaultCode>>> = { malformed: 'crl-malformed' };
