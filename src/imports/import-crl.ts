import { setImmediate } from 'node:timers/promises';
import { joinInSteps } from '../encoding/in-steps.ts';
import { sameName } from '../x509/name.ts';
import { isSignedBy } from './check-signature.ts';
import { type ForeignCrl, foreignEntries, readForeignCrl } from './foreign-crl.ts';
import type { ImportJob } from './import-job.ts';
import { ImportProblem } from './import-problem.ts';
import { pemBlocks } from './pem-blocks.ts';
import { RevocationBatches } from './revocation-batches.ts';

/** What takes a few milliseconds, so that others get their turn. */
const entriesPerStep = 500;

/** Above it our own numbers, which are never below the seconds since 1970 and go up by one, would have no room in 64 bits. */
const highestNumber = 2n ** 62n;

/**
 * Records what the CRLs of the authority list: one in DER, or any number in PEM, of which those of others are reported.
 * @returns why there is none of the authority; undefined: there was at least one
 * @throws ImportProblem when the list of a CRL's entries is broken off
 */
export async function importCrls(
  job: ImportJob,
  chunks: AsyncIterable<Buffer>,
): Promise<ImportProblem | undefined> {
  let first: ImportProblem | undefined;
  let taken = 0;
  for await (const { content, line: position } of crlsIn(chunks)) {
    try {
      if (content instanceof ImportProblem) throw content;
      await importCrl(job, await joinInSteps(content));
      taken += 1;
    } catch (error) {
      if (!(error instanceof ImportProblem)) throw error;
      job.report.problem({ position }, error);
      first ??= error;
    }
  }
  return taken > 0 ? undefined : (first ?? new ImportProblem('malformed', 'It holds no CRL'));
}

interface FoundCrl {
  readonly line: number;
  readonly content: readonly Buffer[] | ImportProblem;
}

const sequenceTag = 0x30;

async function* crlsIn(chunks: AsyncIterable<Buffer>): AsyncGenerator<FoundCrl> {
  const iterator = chunks[Symbol.asyncIterator]();
  const first = await iterator.next();
  const rest = { [Symbol.asyncIterator]: () => iterator };
  const start: Buffer = first.done === true ? Buffer.alloc(0) : first.value;
  if (start[0] === sequenceTag) {
    const content = [start];
    for await (const chunk of rest) content.push(chunk);
    yield { line: 1, content };
    return;
  }
  for await (const { line, content } of pemBlocks(startingWith(start, rest), {
    labels: ['X509 CRL'],
    mostOctets: Number.POSITIVE_INFINITY,
  }))
    if (content !== undefined) yield { line, content };
}

async function* startingWith(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* rest;
}

async function importCrl(job: ImportJob, der: Buffer): Promise<void> {
  const crl = readForeignCrl(der);
  await check(job, crl);
  await importEntries(job, crl);
  const { crlNumber } = crl;
  if (crlNumber === undefined) return;
  job.report.sawCrlNumber(crlNumber);
  const { dryRun, authority } = job.terms;
  if (crlNumber === 0n || dryRun) return;
  // Last, and before anybody is told: the next CRL has all of it.
  if (await job.store.raiseCrlNumber(authority, crlNumber)) job.onChanged(new Set());
}

async function check({ authority }: ImportJob, crl: ForeignCrl): Promise<void> {
  const { certificate, name } = authority;
  if (!sameName(crl.issuer, certificate.subject))
    throw new ImportProblem('other-issuer', `The issuer of the CRL is not ${name}`);
  if (!(await isSignedBy(crl, certificate.publicKey)))
    throw new ImportProblem('signature-invalid', `The CRL is not signed with the key of ${name}`);
  if (crl.crlNumber !== undefined && crl.crlNumber >= highestNumber)
    throw new ImportProblem(
      'crl-number-too-large',
      `The CRLNumber ${crl.crlNumber} leaves no room for numbers above it`,
    );
}

function dateUnknown(serial: string): ImportProblem {
  return new ImportProblem('date-unknown', 'The date of the revocation cannot be read: revoked as of now', {
    serial,
  });
}

async function importEntries(job: ImportJob, crl: ForeignCrl): Promise<void> {
  const { report, authority, terms } = job;
  const { notAfter } = authority.certificate;
  const revocations = new RevocationBatches(job);
  let position = 0;
  for (const entry of foreignEntries(crl)) {
    position += 1;
    if (position % entriesPerStep === 0) await setImmediate();
    report.counts.read += 1;
    if (entry instanceof ImportProblem) report.problem({ position }, entry);
    else if (entry.reason === 'removeFromCRL') report.counts.notRevoked += 1;
    else {
      const { serial, reason, revokedAt = terms.now } = entry;
      if (entry.revokedAt === undefined) report.problem({ position }, dateUnknown(serial));
      await revocations.add({ serial, revokedAt, reason, notAfter }, { position });
    }
  }
  await revocations.flush();
}
