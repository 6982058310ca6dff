import type { RevocationReason } from '../x509/revocation-reason.ts';
import { bigintArray, booleanArray, byteaArray, textArray, timestampArray } from './binary-array.ts';
import type { Queryable } from './database.ts';
import type { ImportStep } from './import-change.ts';

/** A page is read, encoded and written in a few milliseconds of ours, and requests get their turn between two. */
export const pageRows = 200;

export function* pagesOf<T>(rows: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < rows.length; at += pageRows) yield rows.slice(at, at + pageRows);
}

export function octetsArray(serials: readonly string[]): Buffer {
  return byteaArray(serials.map((serial) => Buffer.from(serial, 'hex')));
}

/** A certificate that is on record. */
export interface KnownCertificate {
  readonly id: bigint;
  readonly authority: string;
  readonly notAfter: Date;
  readonly spkiSha256: Buffer;
  /** Lower-case hex. */
  readonly fingerprint: string;
}

/** The row locks keep them from being deleted meanwhile. @returns by serial */
export async function lockCertificates(
  tx: Queryable,
  serials: readonly string[],
): Promise<Map<string, KnownCertificate>> {
  const rows = await tx.query<{
    serial: string;
    id: string;
    authority: string;
    not_after: Date;
    spki_sha256: Buffer;
    fingerprint: string;
  }>({
    name: 'imports-certificates',
    text: `select encode(serial, 'hex') as serial, id::text, authority, not_after, spki_sha256,
        encode(fingerprint, 'hex') as fingerprint
      from certificates where serial = any($1::bytea[]) order by certificates.serial for key share`,
    values: [octetsArray(serials)],
  });
  return new Map(
    rows.map((row) => [
      row.serial,
      {
        id: BigInt(row.id),
        authority: row.authority,
        notAfter: row.not_after,
        spkiSha256: row.spki_sha256,
        fingerprint: row.fingerprint,
      },
    ]),
  );
}

/** A revocation as it stands. */
export interface StandingRevocation {
  readonly serial: string;
  readonly authority: string;
  /** Undefined: of a certificate that is not on record. */
  readonly certificateId: bigint | undefined;
  readonly reason: RevocationReason;
  readonly revokedAt: Date;
  readonly notAfter: Date;
  readonly inCrl: boolean;
}

/** In ascending order, and locked. @returns by serial */
export async function lockRevocations(
  tx: Queryable,
  serials: readonly string[],
): Promise<Map<string, StandingRevocation>> {
  const rows = await tx.query<{
    serial: string;
    authority: string;
    certificate_id: string | null;
    reason: RevocationReason;
    revoked_at: Date;
    not_after: Date;
    in_crl: boolean;
  }>({
    name: 'imports-revocations',
    text: `select encode(serial, 'hex') as serial, authority, certificate_id::text, reason, revoked_at, not_after, in_crl
      from revocations where serial = any($1::bytea[]) order by revocations.serial for update`,
    values: [octetsArray(serials)],
  });
  return new Map(
    rows.map(({ serial, authority, certificate_id, reason, revoked_at, not_after, in_crl }) => [
      serial,
      {
        ...{ serial, authority, reason, revokedAt: revoked_at, notAfter: not_after, inCrl: in_crl },
        certificateId: certificate_id === null ? undefined : BigInt(certificate_id),
      },
    ]),
  );
}

/** A standing revocation that becomes another one. */
export interface RevisedRevocation extends StandingRevocation {
  /** It is on CRLs from now on, whether it was before or not. */
  readonly listed: boolean;
}

/** What no CRL lists has no entry, and stays so unless it is to be listed. */
const reviseText = `
update revocations r set reason = given.reason, revoked_at = given.revoked_at, not_after = given.not_after,
  certificate_id = given.certificate_id, change_id = $8,
  entry = case when octet_length(r.entry) > 0 or given.listed then given.entry else r.entry end,
  in_crl = r.in_crl or given.listed
from unnest($1::bytea[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::bigint[], $6::bytea[], $7::boolean[])
  as given (serial, reason, revoked_at, not_after, certificate_id, entry, listed)
where r.serial = given.serial`;

/** Of rows that are locked. */
export async function reviseRevocations(
  { tx, terms, changeId }: ImportStep,
  rows: readonly RevisedRevocation[],
): Promise<void> {
  if (rows.length === 0) return;
  await tx.query({
    name: 'imports-revise',
    text: reviseText,
    values: [
      octetsArray(rows.map((row) => row.serial)),
      textArray(rows.map((row) => row.reason)),
      timestampArray(rows.map((row) => row.revokedAt)),
      timestampArray(rows.map((row) => row.notAfter)),
      bigintArray(rows.map((row) => row.certificateId ?? null)),
      byteaArray(rows.map((row) => terms.entryOf(row.serial, row.revokedAt, row.reason))),
      booleanArray(rows.map((row) => row.listed)),
      changeId,
    ],
  });
}
