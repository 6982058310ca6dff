import { ImportProblem, type ImportProblemCode } from './import-problem.ts';

export interface ReportedProblem {
  /** The line where the block begins, the line, or the number of the entry; from 1. */
  readonly position: number;
  /** Where there are several. */
  readonly file?: string;
  readonly serial?: string;
  readonly code: ImportProblemCode;
  readonly detail: string;
}

/** What has become of all that was read. Of a dry run: what would. */
export interface ImportCounts {
  /** Blocks, lines or entries. */
  read: number;
  /** Certificates that are on record now. */
  recorded: number;
  /** Certificates that were before. */
  alreadyKnown: number;
  /** What ended more than a day ago: certificates are left out, revocations are on no CRL. */
  expired: number;
  /** The CA's own certificate, and blocks of other kinds. */
  passedOver: number;
  /** Revoked now; those of `expired` are not among them. */
  revoked: number;
  /** How many of them, or lines of valid ones, are of certificates that are not on record. */
  withoutCertificate: number;
  /** Revocations that stood before and have another reason, date, or end now. */
  changed: number;
  alreadyRevoked: number;
  /** Lines of valid certificates, and what was taken back. */
  notRevoked: number;
  /** Certificates of keys that are compromised, revoked with those that were read. */
  siblings: number;
}

export interface ImportReport extends Readonly<ImportCounts> {
  readonly dryRun: boolean;
  /** The highest CRLNumber that was read: our CRLs are above it. */
  readonly crlNumber?: bigint;
  /** How many there are. */
  readonly problemCount: number;
  /** The first hundred. */
  readonly problems: readonly ReportedProblem[];
}

const shownProblems = 100;

export class ReportWriter {
  readonly counts: ImportCounts = {
    ...{ read: 0, recorded: 0, alreadyKnown: 0, expired: 0, passedOver: 0, revoked: 0 },
    ...{ withoutCertificate: 0, changed: 0, alreadyRevoked: 0, notRevoked: 0, siblings: 0 },
  };
  readonly #problems: ReportedProblem[] = [];
  #problemCount = 0;
  #crlNumber: bigint | undefined;

  problem(at: { readonly position: number; readonly file?: string }, problem: ImportProblem): void {
    this.#problemCount += 1;
    if (this.#problems.length === shownProblems) return;
    const { code, serial, message: detail } = problem;
    this.#problems.push({ ...at, ...(serial === undefined ? {} : { serial }), code, detail });
  }

  sawCrlNumber(number: bigint): void {
    if (this.#crlNumber === undefined || number > this.#crlNumber) this.#crlNumber = number;
  }

  report(dryRun: boolean): ImportReport {
    return {
      dryRun,
      ...this.counts,
      ...(this.#crlNumber === undefined ? {} : { crlNumber: this.#crlNumber }),
      problemCount: this.#problemCount,
      problems: this.#problems,
    };
  }
}

/** For a serial that is somebody else's. */
export function serialTaken(serial: string): ImportProblem {
  return new ImportProblem('serial-taken', `Another certificate has the serial ${serial}`, { serial });
}
