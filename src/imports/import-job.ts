import type { Authority } from '../authority/authority.ts';
import type { ImportStore, ImportTerms } from '../store/imports.ts';
import type { RevocationReason } from '../x509/revocation-reason.ts';
import type { ReportWriter } from './import-report.ts';

/** One import, under way. */
export interface ImportJob {
  readonly authority: Authority;
  readonly store: ImportStore;
  readonly terms: ImportTerms;
  readonly report: ReportWriter;
  /** A step has committed that changes revocations. */
  readonly onChanged: (reasons: ReadonlySet<RevocationReason>) => void;
}

/** Where in the input something is. */
export interface Place {
  readonly position: number;
  readonly file?: string;
}

/** In ascending order of the serials, in which everybody takes his locks. */
export function bySerial(a: { readonly serial: string }, b: { readonly serial: string }): number {
  // By octets, as the database orders them: hex digits do the same.
  return a.serial < b.serial ? -1 : a.serial > b.serial ? 1 : 0;
}
