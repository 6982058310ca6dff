import { setImmediate } from 'node:timers/promises';
import type { ImportedRevocation, RevocationFate } from '../store/imports.ts';
import { mergeRevocations } from '../store/merge-revocations.ts';
import { bySerial, type ImportJob, type Place } from './import-job.ts';
import { type ImportCounts, serialTaken } from './import-report.ts';

/** What one transaction takes: some tenths of a second of the database's work. */
const batchRows = 2_000;

interface Collected {
  readonly told: ImportedRevocation;
  readonly at: Place;
}

/** Collects revocations and records them some thousand at a time. Whoever adds waits for the database. */
export class RevocationBatches {
  readonly #job: ImportJob;
  #batch = new Map<string, Collected>();

  constructor(job: ImportJob) {
    this.#job = job;
  }

  async add(told: ImportedRevocation, at: Place): Promise<void> {
    // Of two holds the older one may have been released here, and not the newer: each is judged by itself.
    if (isHold(told) && isHold(this.#batch.get(told.serial)?.told)) await this.flush();
    const other = this.#batch.get(told.serial);
    if (other !== undefined) this.#job.report.counts.alreadyRevoked += 1;
    this.#batch.set(told.serial, { at, told: other === undefined ? told : bothTold(other.told, told) });
    if (this.#batch.size >= batchRows) await this.flush();
  }

  async flush(): Promise<void> {
    const { store, terms, report, onChanged } = this.#job;
    const batch = this.#batch;
    if (batch.size === 0) return;
    this.#batch = new Map();
    const rows = [...batch.values()].map(({ told }) => told).sort(bySerial);
    await setImmediate();
    const { fates, siblings, reasons, changed } = await store.importRevocations(terms, rows);
    for (const [serial, fate] of fates) {
      const place = batch.get(serial)?.at;
      if (fate === 'serial-taken' && place !== undefined) report.problem(place, serialTaken(serial));
      for (const name of countedAs[fate]) report.counts[name] += 1;
    }
    report.counts.siblings += siblings;
    if (changed && !terms.dryRun) onChanged(reasons);
  }
}

const countedAs: Readonly<Record<RevocationFate, readonly (keyof ImportCounts)[]>> = {
  revoked: ['revoked'],
  foreign: ['revoked', 'withoutCertificate'],
  expired: ['expired'],
  changed: ['changed'],
  already: ['alreadyRevoked'],
  released: ['notRevoked'],
  'serial-taken': [],
};

function isHold(told: ImportedRevocation | undefined): boolean {
  return told?.reason === 'certificateHold';
}

/** As the database would have it, one after the other. */
function bothTold(a: ImportedRevocation, b: ImportedRevocation): ImportedRevocation {
  return {
    serial: a.serial,
    ...mergeRevocations(a, b),
    notAfter: a.notAfter <= b.notAfter ? a.notAfter : b.notAfter,
  };
}
