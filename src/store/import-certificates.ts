import type { RevocationReason } from '../x509/revocation-reason.ts';
import { certificateValues, certificateColumnTexts as columns } from './certificate-insert.ts';
import type { CertificateRecord } from './certificates.ts';
import type { ImportStep, RevocationEffects } from './import-change.ts';
import { blockedAmong, compromiseKeys } from './import-key-compromise.ts';
import {
  type KnownCertificate,
  lockCertificates,
  lockRevocations,
  pagesOf,
  reviseRevocations,
} from './import-rows.ts';

/** `already`: this very certificate is on record; `serial-taken`: another one of this serial is. */
export type CertificateFate = 'recorded' | 'already' | 'serial-taken';

export interface CertificatesOutcome extends RevocationEffects {
  readonly fates: ReadonlyMap<string, CertificateFate>;
  /** Revocations that stood without their certificate, and have it now. */
  readonly linked: number;
}

/**
 * Records certificates; revocations that stand for them already are theirs from then on. Those whose key is blocked are revoked, as
 * nobody else would: the sweep looks only for keys that were blocked a moment ago.
 * @param batch in ascending order of the serials, each once; of the authority of the terms
 */
export async function importCertificates(
  step: ImportStep,
  batch: readonly CertificateRecord[],
): Promise<CertificatesOutcome> {
  const fates = new Map<string, CertificateFate>();
  const compromised: Buffer[] = [];
  const reasons = new Set<RevocationReason>();
  let linked = 0;
  for (const page of pagesOf(batch)) {
    const inserted = await insertNew(step, page);
    const known = await lockCertificates(
      step.tx,
      page.map(({ serial }) => serial),
    );
    for (const record of page) fates.set(record.serial, fateOf(record, inserted, known));
    const found = await linkRevocations(step, known);
    linked += found.length;
    for (const { reason, spkiSha256 } of found) {
      reasons.add(reason);
      if (reason === 'keyCompromise') compromised.push(spkiSha256);
    }
    const keys = page.filter(({ serial }) => inserted.has(serial)).map(({ spkiSha256 }) => spkiSha256);
    compromised.push(...(await blockedAmong(step, keys)));
  }
  const siblings = await compromiseKeys(step, compromised);
  return { fates, linked, siblings, reasons, changed: linked > 0 || siblings > 0 };
}

async function insertNew(
  { tx }: ImportStep,
  page: readonly CertificateRecord[],
): Promise<ReadonlySet<string>> {
  const rows = await tx.query<{ serial: string }>({
    name: 'imports-insert-certificates',
    text: `insert into certificates (${columns.names})
      select ${columns.inserted} from unnest(${columns.given}) as given (${columns.names})
      on conflict (serial) do nothing returning encode(serial, 'hex') as serial`,
    values: certificateValues(page),
  });
  return new Set(rows.map(({ serial }) => serial));
}

function fateOf(
  { serial, fingerprint }: CertificateRecord,
  recorded: ReadonlySet<string>,
  known: ReadonlyMap<string, KnownCertificate>,
): CertificateFate {
  if (recorded.has(serial)) return 'recorded';
  return known.get(serial)?.fingerprint === fingerprint ? 'already' : 'serial-taken';
}

async function linkRevocations(step: ImportStep, known: ReadonlyMap<string, KnownCertificate>) {
  const standing = await lockRevocations(step.tx, [...known.keys()]);
  const found = [];
  for (const row of standing.values()) {
    const certificate = known.get(row.serial);
    if (certificate === undefined || row.certificateId !== undefined) continue;
    if (row.authority !== certificate.authority) continue;
    const { id, notAfter, spkiSha256 } = certificate;
    found.push({ ...row, certificateId: id, notAfter, spkiSha256, listed: true });
  }
  await reviseRevocations(step, found);
  return found;
}
