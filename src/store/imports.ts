import type { CertificateRecord } from './certificates.ts';
import type { Queryable, Session } from './database.ts';
import { readClock } from './database-clock.ts';
import { type CertificatesOutcome, importCertificates } from './import-certificates.ts';
import { type ImportTerms, inImportStep } from './import-change.ts';
import { type ImportedRevocation, importRevocations, type RevocationsOutcome } from './import-revocations.ts';
import { createIssuedSerialStore } from './issued-serials.ts';

export type { CertificateFate, CertificatesOutcome } from './import-certificates.ts';
export type { ImportTerms } from './import-change.ts';
export type { ImportedRevocation, RevocationFate, RevocationsOutcome } from './import-revocations.ts';

/** What an import asks of the database, on the session that holds its lock. */
export interface ImportStore {
  /** In one transaction. @param batch in ascending order of the serials, each once */
  importCertificates(terms: ImportTerms, batch: readonly CertificateRecord[]): Promise<CertificatesOutcome>;
  /** In one transaction. @param batch in ascending order of the serials, each once */
  importRevocations(terms: ImportTerms, batch: readonly ImportedRevocation[]): Promise<RevocationsOutcome>;
  /** How many of these serials the authority has no certificate of. */
  countUnknown(authority: string, serials: readonly string[]): Promise<number>;
  /** The CRLs of the authority have higher numbers from now on. @returns whether that is news */
  raiseCrlNumber(authority: string, number: bigint): Promise<boolean>;
  /** The time of day by the database's own clock. */
  databaseNow(): Promise<Date>;
}

export function createImportStore(session: Session): ImportStore {
  const issued = createIssuedSerialStore(session);
  return {
    importCertificates: (terms, batch) =>
      inImportStep(session, terms, (step) => importCertificates(step, batch)),
    importRevocations: (terms, batch) =>
      inImportStep(session, terms, (step) => importRevocations(step, batch)),
    async countUnknown(authority, serials) {
      const known = (await issued.findIssued(serials)).filter((one) => one.authority === authority);
      return serials.length - known.length;
    },
    raiseCrlNumber: (authority, number) => raiseCrlNumber(session, authority, number),
    databaseNow: () => readClock(session),
  };
}

async function raiseCrlNumber(db: Queryable, authority: string, number: bigint): Promise<boolean> {
  const rows = await db.query({
    text: `insert into crl_number_floors as known (authority, number) values ($1, $2)
      on conflict (authority) do update set number = excluded.number where known.number < excluded.number
      returning 1`,
    values: [authority, number],
  });
  return rows.length > 0;
}

/** A file that CA_IMPORT_… names. */
export interface ImportedFile {
  readonly authority: string;
  readonly kind: 'certificates' | 'index' | 'crl';
  readonly sha256: Buffer;
}

export async function wasImported(
  db: Queryable,
  { authority, kind, sha256 }: ImportedFile,
): Promise<boolean> {
  const rows = await db.query({
    text: 'select from imported_files where authority = $1 and kind = $2 and sha256 = $3',
    values: [authority, kind, sha256],
  });
  return rows.length > 0;
}

export async function recordImportedFile(
  db: Queryable,
  { authority, kind, sha256 }: ImportedFile,
  at: Date,
  report: object,
): Promise<void> {
  await db.query({
    text: `insert into imported_files (authority, kind, sha256, imported_at, report) values ($1, $2, $3, $4, $5)
      on conflict do nothing`,
    values: [authority, kind, sha256, at, JSON.stringify(report)],
  });
}
