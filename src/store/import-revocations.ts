import type { RevocationReason } from '../x509/revocation-reason.ts';
import { timestampArray } from './binary-array.ts';
import type { ImportStep, ImportTerms, RevocationEffects } from './import-change.ts';
import { compromiseKeys } from './import-key-compromise.ts';
import {
  type KnownCertificate,
  lockCertificates,
  lockRevocations,
  octetsArray,
  pagesOf,
  type RevisedRevocation,
  reviseRevocations,
  type StandingRevocation,
} from './import-rows.ts';
import { mergeRevocations } from './merge-revocations.ts';
import { insertRevocations, type NewRevocation } from './revocation-changes.ts';

/** A revocation, as a CRL or somebody's database tells of it. */
export interface ImportedRevocation {
  /** Lower-case hex. */
  readonly serial: string;
  readonly reason: RevocationReason;
  /** Whole seconds. */
  readonly revokedAt: Date;
  /** How long it is to stand, unless the certificate is on record, which knows better. */
  readonly notAfter: Date;
}

/**
 * What became of one: `revoked` (`foreign`: of a certificate that is not on record; `expired`: of one that no CRL lists any more),
 * `changed` (it stood before, and has another reason, date or end now), `already`, `released` (a hold that was taken back here
 * after that), `serial-taken` (the serial is that of another authority's certificate).
 */
export type RevocationFate =
  | 'revoked'
  | 'foreign'
  | 'expired'
  | 'changed'
  | 'already'
  | 'released'
  | 'serial-taken';

export interface RevocationsOutcome extends RevocationEffects {
  readonly fates: ReadonlyMap<string, RevocationFate>;
}

/** @param batch in ascending order of the serials, each once */
export async function importRevocations(
  step: ImportStep,
  batch: readonly ImportedRevocation[],
): Promise<RevocationsOutcome> {
  const fates = new Map<string, RevocationFate>();
  const compromised: Buffer[] = [];
  const reasons = new Set<RevocationReason>();
  for (const page of pagesOf(batch)) {
    for (const done of await importPage(step, page)) {
      fates.set(done.serial, done.fate);
      if (!isEffect(done.fate)) continue;
      reasons.add(done.reason);
      if (done.reason === 'keyCompromise' && done.certificate !== undefined)
        compromised.push(done.certificate.spkiSha256);
    }
  }
  const siblings = await compromiseKeys(step, compromised);
  return { fates, siblings, reasons, changed: siblings > 0 || reasons.size > 0 };
}

function isEffect(fate: RevocationFate): boolean {
  return fate === 'revoked' || fate === 'foreign' || fate === 'expired' || fate === 'changed';
}

interface Done {
  readonly serial: string;
  readonly fate: RevocationFate;
  /** As it stands now. */
  readonly reason: RevocationReason;
  readonly certificate: KnownCertificate | undefined;
}

/** Each time round, others have revoked or released some of these between two statements of ours. */
const patience = 10;

async function importPage(step: ImportStep, page: readonly ImportedRevocation[]): Promise<Done[]> {
  const certificates = await lockCertificates(
    step.tx,
    page.map(({ serial }) => serial),
  );
  const done: Done[] = [];
  let waiting = page;
  for (let round = 0; waiting.length > 0; round++) {
    if (round === patience) throw new Error('Revocations change faster than they can be read');
    const settled = await tryPage(step, waiting, certificates);
    done.push(...settled);
    const serials = new Set(settled.map(({ serial }) => serial));
    waiting = waiting.filter(({ serial }) => !serials.has(serial));
  }
  return done;
}

/** @returns what is settled; the rest has been revoked, or released, in this very moment */
async function tryPage(
  step: ImportStep,
  page: readonly ImportedRevocation[],
  certificates: ReadonlyMap<string, KnownCertificate>,
): Promise<Done[]> {
  const { tx, terms, changeId } = step;
  const serials = page.map(({ serial }) => serial);
  const known: Known = {
    authority: terms.authority,
    certificates,
    standing: await lockRevocations(tx, serials),
    released: await findReleased(tx, page),
  };
  const verdicts = page.map((told) => judge(told, known, terms));
  await reviseRevocations(
    step,
    verdicts.flatMap(({ revision }) => revision ?? []),
  );
  const rows = verdicts
    .filter(({ fate }) => fate === undefined)
    .map(({ told }) => newRow(step, told, certificates.get(told.serial)));
  const inserted = new Map(rows.map((row) => [row.serial, row]));
  const done = new Set(await insertRevocations(tx, rows, changeId));
  return verdicts.flatMap(
    ({ told: { serial, reason }, fate = fateOf(inserted.get(serial)), revision, stands }) =>
      inserted.has(serial) && !done.has(serial)
        ? []
        : {
            serial,
            fate,
            reason: (revision ?? stands)?.reason ?? reason,
            certificate: certificates.get(serial),
          },
  );
}

interface Known {
  readonly authority: string;
  readonly certificates: ReadonlyMap<string, KnownCertificate>;
  readonly standing: ReadonlyMap<string, StandingRevocation>;
  readonly released: ReadonlySet<string>;
}

interface Verdict {
  readonly told: ImportedRevocation;
  /** Undefined: it is to be recorded. */
  readonly fate?: RevocationFate;
  readonly stands?: StandingRevocation;
  readonly revision?: RevisedRevocation;
}

function judge(told: ImportedRevocation, known: Known, { now }: ImportTerms): Verdict {
  const certificate = known.certificates.get(told.serial);
  const stands = known.standing.get(told.serial);
  const { authority } = certificate ?? stands ?? known;
  if (authority !== known.authority) return { told, fate: 'serial-taken' };
  if (stands === undefined) return known.released.has(told.serial) ? { told, fate: 'released' } : { told };
  const revision = revise(stands, told, certificate, now);
  return revision === undefined ? { told, fate: 'already', stands } : { told, fate: 'changed', revision };
}

function fateOf(row: NewRevocation | undefined): RevocationFate {
  if (row?.inCrl === false) return 'expired';
  return row?.certificateId === null ? 'foreign' : 'revoked';
}

function newRow(
  { terms }: ImportStep,
  { serial, reason, revokedAt: toldAt, notAfter: told }: ImportedRevocation,
  certificate: KnownCertificate | undefined,
): NewRevocation {
  // By a clock that was ahead: it is revoked as of now, and no CRL lists what is yet to come.
  const revokedAt = toldAt <= terms.now ? toldAt : terms.now;
  const notAfter = certificate?.notAfter ?? told;
  return {
    ...{ serial, reason, revokedAt, notAfter },
    ...{ authority: terms.authority, requester: terms.requester },
    certificateId: certificate?.id ?? null,
    entry: terms.entryOf(serial, revokedAt, reason),
    inCrl: notAfter >= terms.expiredBefore,
  };
}

/** @returns undefined when nothing is new in what is told */
function revise(
  stands: StandingRevocation,
  told: ImportedRevocation,
  certificate: KnownCertificate | undefined,
  now: Date,
): RevisedRevocation | undefined {
  const facts = mergeRevocations(stands, told);
  const linked = stands.certificateId === undefined && certificate !== undefined;
  const notAfter = linked ? certificate.notAfter : endOf(stands, told);
  // The clock was ahead when it was recorded. (What has left the CRLs by itself has expired.)
  const isMissing = !stands.inCrl && stands.certificateId === undefined && notAfter >= now;
  const listed = linked || isMissing;
  const isSame =
    !listed &&
    facts.reason === stands.reason &&
    facts.revokedAt.getTime() === stands.revokedAt.getTime() &&
    notAfter.getTime() === stands.notAfter.getTime();
  if (isSame) return undefined;
  return { ...stands, ...facts, notAfter, listed, certificateId: certificate?.id ?? stands.certificateId };
}

/** A CRL does not tell when the certificate ends, and then stands in the end of the CA: the earlier is what somebody knew. */
function endOf(stands: StandingRevocation, told: ImportedRevocation): Date {
  if (stands.certificateId !== undefined) return stands.notAfter;
  return stands.notAfter <= told.notAfter ? stands.notAfter : told.notAfter;
}

/** The holds among these that were released here later than they tell of. @returns serials */
async function findReleased(
  tx: ImportStep['tx'],
  page: readonly ImportedRevocation[],
): Promise<ReadonlySet<string>> {
  const holds = page.filter(({ reason }) => reason === 'certificateHold');
  if (holds.length === 0) return new Set();
  const rows = await tx.query<{ serial: string }>({
    name: 'imports-released',
    text: `select distinct encode(h.serial, 'hex') as serial
      from hold_releases h join unnest($1::bytea[], $2::timestamptz[]) as told (serial, held_at) using (serial)
      where h.released_at >= told.held_at`,
    values: [
      octetsArray(holds.map(({ serial }) => serial)),
      timestampArray(holds.map((hold) => hold.revokedAt)),
    ],
  });
  return new Set(rows.map(({ serial }) => serial));
}
