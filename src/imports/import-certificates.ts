import { setImmediate } from 'node:timers/promises';
import { importedProfile } from '../issuance/reserved-profiles.ts';
import type { CertificateRecord } from '../store/certificates.ts';
import { sameName } from '../x509/name.ts';
import { isSignedBy } from './check-signature.ts';
import { type ForeignCertificate, readForeignCertificate } from './foreign-certificate.ts';
import { bySerial, type ImportJob, type Place } from './import-job.ts';
import { ImportProblem, malformedOr } from './import-problem.ts';
import { serialTaken } from './import-report.ts';
import type { ForeignBlock } from './pem-blocks.ts';

export const certificateLabels: readonly string[] = ['CERTIFICATE', 'X509 CERTIFICATE'];
/** Of one certificate. */
export const mostCertificateOctets = 64 * 1024;

export interface PlacedBlock extends ForeignBlock {
  readonly file?: string;
}

/** What one transaction takes: as many usual ones, or a few that are large. */
const batchRows = 400;
const batchOctets = 512 * 1024;
/** Read in a few milliseconds, so that others get their turn: as many small certificates, or one that is nothing but names. */
const octetsPerStep = 32 * 1024;
/** Signatures checked at the same time: the pool has four threads, and requests need them, too. */
const checksInFlight = 2;

/** Records every certificate of the authority. @returns whether there was any certificate at all */
export async function importCertificates(
  job: ImportJob,
  blocks: AsyncIterable<PlacedBlock>,
): Promise<boolean> {
  const { report } = job;
  let any = false;
  let unread = octetsPerStep;
  let waiting: Candidate[] = [];
  let octets = 0;
  for await (const { content, line, label, file } of blocks) {
    const at = { position: line, ...(file === undefined ? {} : { file }) };
    report.counts.read += 1;
    unread -= octetsOf(content);
    if (unread <= 0) {
      await setImmediate();
      unread = octetsPerStep;
    }
    if (content === undefined) {
      report.counts.passedOver += 1;
      continue;
    }
    any ||= certificateLabels.includes(label);
    const certificate = readCandidate(job, content, at);
    if (certificate === undefined) continue;
    waiting.push({ certificate, at });
    octets += certificate.der.length;
    if (waiting.length < batchRows && octets < batchOctets) continue;
    await recordSome(job, waiting);
    waiting = [];
    octets = 0;
  }
  await recordSome(job, waiting);
  return any;
}

/** A block that is left out is some work, too. */
function octetsOf(content: PlacedBlock['content']): number {
  const pieces = Array.isArray(content) ? content : [];
  return pieces.reduce((sum: number, { length }: Buffer) => sum + length, 1_024);
}

interface Candidate {
  readonly certificate: ForeignCertificate;
  readonly at: Place;
}

/** @returns undefined for what needs no look at its signature */
function readCandidate(
  { report, authority, terms }: ImportJob,
  content: readonly Buffer[] | ImportProblem,
  at: Place,
): ForeignCertificate | undefined {
  try {
    if (content instanceof ImportProblem) throw content;
    const certificate = readForeignCertificate(Buffer.concat(content));
    const { serial, issuer, spki, notAfter } = certificate;
    if (!sameName(issuer, authority.certificate.subject))
      throw new ImportProblem('other-issuer', `The issuer is not ${authority.name}`, { serial });
    if (spki.equals(authority.certificate.publicKey.der)) report.counts.passedOver += 1;
    else if (notAfter < terms.expiredBefore) report.counts.expired += 1;
    else return certificate;
  } catch (error) {
    report.problem(at, malformedOr(error, 'The certificate is not well formed'));
  }
  return undefined;
}

async function recordSome(job: ImportJob, candidates: readonly Candidate[]): Promise<void> {
  const { report, terms, store, onChanged } = job;
  const batch = oncePerSerial(job, await keepSigned(job, candidates));
  if (batch.size === 0) return;
  await setImmediate();
  const rows = [...batch.values()].map(({ certificate }) => recordOf(certificate, job)).sort(bySerial);
  const { fates, linked, siblings, reasons, changed } = await store.importCertificates(terms, rows);
  for (const [serial, fate] of fates) {
    const place = batch.get(serial)?.at;
    if (fate !== 'serial-taken') report.counts[countedAs[fate]] += 1;
    else if (place !== undefined) report.problem(place, serialTaken(serial));
  }
  report.counts.changed += linked;
  report.counts.siblings += siblings;
  if (changed && !terms.dryRun) onChanged(siblings > 0 ? new Set([...reasons, 'keyCompromise']) : reasons);
}

function oncePerSerial({ report }: ImportJob, candidates: readonly Candidate[]): Map<string, Candidate> {
  const batch = new Map<string, Candidate>();
  for (const candidate of candidates) {
    const { serial, fingerprint } = candidate.certificate;
    const other = batch.get(serial);
    if (other === undefined) batch.set(serial, candidate);
    else if (other.certificate.fingerprint === fingerprint) report.counts.alreadyKnown += 1;
    else report.problem(candidate.at, serialTaken(serial));
  }
  return batch;
}

const countedAs = { recorded: 'recorded', already: 'alreadyKnown' } as const;

/** In their order; the others are reported. */
async function keepSigned(job: ImportJob, candidates: readonly Candidate[]): Promise<Candidate[]> {
  const problems: (ImportProblem | undefined)[] = [];
  let next = 0;
  const check = async (): Promise<void> => {
    for (let index = next++; index < candidates.length; index = next++) {
      const candidate = candidates[index];
      if (candidate !== undefined) problems[index] = await signatureProblem(job, candidate.certificate);
    }
  };
  await Promise.all(Array.from({ length: checksInFlight }, check));
  return candidates.filter(({ at }, index) => {
    const problem = problems[index];
    if (problem !== undefined) job.report.problem(at, problem);
    return problem === undefined;
  });
}

async function signatureProblem(
  { authority }: ImportJob,
  certificate: ForeignCertificate,
): Promise<ImportProblem | undefined> {
  const { serial } = certificate;
  try {
    if (await isSignedBy(certificate, authority.certificate.publicKey)) return undefined;
    return new ImportProblem('signature-invalid', `It is not signed with the key of ${authority.name}`, {
      serial,
    });
  } catch (error) {
    if (!(error instanceof ImportProblem)) throw error;
    return new ImportProblem(error.code, error.message, { serial });
  }
}

/** Issued when it became valid: that is what a search by the time of issue means. */
function recordOf(
  {
    serial,
    subject,
    commonName,
    sans,
    notBefore,
    notAfter,
    spkiSha256,
    der,
    fingerprint,
  }: ForeignCertificate,
  { terms }: ImportJob,
): CertificateRecord {
  return {
    ...{ serial, subject, commonName, sans, notBefore, notAfter, spkiSha256, der, fingerprint },
    authority: terms.authority,
    profile: importedProfile,
    requester: terms.requester,
    metadata: {},
    createdAt: notBefore,
  };
}
