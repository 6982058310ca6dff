import type { ImportJob } from './import-job.ts';
import { ImportProblem, malformedOr } from './import-problem.ts';
import { type IndexLine, readIndexLine } from './index-line.ts';
import { RevocationBatches } from './revocation-batches.ts';
import { linesOf } from './text-lines.ts';

/** Lines of valid certificates that are looked up at once. */
const lookedUp = 500;

/**
 * Records every revocation of an `index.txt`; of the other lines it is counted what they say.
 * @returns whether it is an index: any of its lines is well formed, or there is none
 */
export async function importIndex(job: ImportJob, chunks: AsyncIterable<Buffer>): Promise<boolean> {
  const index = new IndexImport(job);
  for await (const lines of linesOf(chunks)) {
    for (const { number, text } of lines) {
      // `openssl` passes comments over; an empty line says nothing.
      if (text !== '' && !text.startsWith('#')) await index.take(text, number);
    }
  }
  return await index.finish();
}

class IndexImport {
  readonly #job: ImportJob;
  readonly #revocations: RevocationBatches;
  #valid: string[] = [];
  #malformed = 0;

  constructor(job: ImportJob) {
    this.#job = job;
    this.#revocations = new RevocationBatches(job);
  }

  async take(text: string, position: number): Promise<void> {
    const { counts } = this.#job.report;
    counts.read += 1;
    const line = this.#read(text, position);
    if (line === undefined) this.#malformed += 1;
    else if (line.state === 'revoked') await this.#takeRevoked(line, position);
    else if (line.notAfter !== undefined && line.notAfter < this.#job.terms.expiredBefore)
      counts.expired += 1;
    else {
      counts.notRevoked += 1;
      this.#valid.push(line.serial);
      if (this.#valid.length >= lookedUp) await this.#lookUp();
    }
  }

  async finish(): Promise<boolean> {
    await this.#lookUp();
    await this.#revocations.flush();
    return this.#malformed === 0 || this.#malformed < this.#job.report.counts.read;
  }

  #read(text: string, position: number): IndexLine | undefined {
    try {
      return readIndexLine(text);
    } catch (error) {
      this.#job.report.problem({ position }, malformedOr(error, 'The line is not well formed'));
      return undefined;
    }
  }

  async #takeRevoked({ serial, notAfter, revocation }: IndexLine, position: number): Promise<void> {
    const { report, terms, authority } = this.#job;
    if (revocation === undefined) {
      report.counts.notRevoked += 1;
      return;
    }
    const { revokedAt, reason } = revocation;
    const odd = (code: 'reason-unknown' | 'date-unknown', detail: string): void =>
      report.problem({ position }, new ImportProblem(code, detail, { serial }));
    if (reason === undefined) odd('reason-unknown', 'The reason is not known: recorded as unspecified');
    if (revokedAt === undefined)
      odd('date-unknown', 'The third field begins with no time: revoked as of now');
    if (notAfter === undefined) odd('date-unknown', 'The second field is no time: revoked until the CA ends');
    const told = {
      revokedAt: revokedAt ?? terms.now,
      reason: reason ?? 'unspecified',
      notAfter: notAfter ?? authority.certificate.notAfter,
    };
    await this.#revocations.add({ serial, ...told }, { position });
  }

  async #lookUp(): Promise<void> {
    const { store, report, terms } = this.#job;
    report.counts.withoutCertificate += await store.countUnknown(terms.authority, this.#valid);
    this.#valid = [];
  }
}
