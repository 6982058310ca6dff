import type { RevocationReason } from '../x509/revocation-reason.ts';
import { bigintArray, booleanArray, byteaArray, textArray, timestampArray } from './binary-array.ts';
import type { Queryable } from './database.ts';
import { octetsOfSerial } from './serial.ts';

/**
 * The steps of a transaction that revokes many at once: `newChangeId`, `insertRevocations` as often as needed, and as the very
 * last statement `closeChange`, unless nothing was inserted. From then on every other revocation waits for the COMMIT.
 * (Single revocations do all of it in one statement: `RevocationStore.revoke`.)
 */

/** A revocation to be recorded. */
export interface NewRevocation {
  /** Lower-case hex. */
  readonly serial: string;
  readonly authority: string;
  /** `certificates.id`; null when only somebody else's list knows of the certificate. */
  readonly certificateId: bigint | null;
  /** The encoded entry of revokedCertificates (RFC 5280 5.1.2.6), as the CRL will carry it. */
  readonly entry: Buffer;
  /** The certificate's; of a certificate that nobody has, how long the revocation is to stand. */
  readonly notAfter: Date;
  /** Whole seconds, as in the entry. */
  readonly revokedAt: Date;
  readonly reason: RevocationReason;
  readonly requester: string;
  /** False: no CRL lists it, ever; only those who ask online are told. */
  readonly inCrl: boolean;
}

/** What the rows of one transaction carry. Says nothing of their order: that is for `closeChange`. */
export async function newChangeId(tx: Queryable): Promise<bigint> {
  const [row] = await tx.query<{ id: string }>({
    name: 'revocation-change-id',
    text: `select nextval('revocation_change_ids')::text as id`,
  });
  if (row === undefined) throw new Error('The database gave no number for a change');
  return BigInt(row.id);
}

const insertText = `
insert into revocations
  (serial, authority, certificate_id, entry, not_after, revoked_at, reason, requester, in_crl, change_id)
select serial, authority, certificate_id, case when in_crl then entry else '' end, not_after, revoked_at, reason,
  requester, in_crl, $10
from unnest($1::bytea[], $2::text[], $3::bigint[], $4::bytea[], $5::timestamptz[], $6::timestamptz[], $7::text[],
  $8::text[], $9::boolean[])
  as given (serial, authority, certificate_id, entry, not_after, revoked_at, reason, requester, in_crl)
order by serial
on conflict do nothing
returning encode(serial, 'hex') as serial`;

/**
 * Records at most a few thousand rows; those whose serial is revoked already stay as they are. Waits for transactions that
 * are about to revoke the same: whoever calls this several times in one transaction goes through the serials in ascending
 * order, as everybody does, so that nobody waits in a circle.
 * @returns the serials (lower-case hex) that were inserted
 */
export async function insertRevocations(
  tx: Queryable,
  rows: readonly NewRevocation[],
  changeId: bigint,
): Promise<string[]> {
  if (rows.length === 0) return [];
  const inserted = await tx.query<{ serial: string }>({
    name: 'revocations-insert-many',
    text: insertText,
    values: [
      byteaArray(rows.map((row) => octetsOf(row.serial))),
      textArray(rows.map((row) => row.authority)),
      bigintArray(rows.map((row) => row.certificateId)),
      byteaArray(rows.map((row) => row.entry)),
      timestampArray(rows.map((row) => row.notAfter)),
      timestampArray(rows.map((row) => row.revokedAt)),
      textArray(rows.map((row) => row.reason)),
      textArray(rows.map((row) => row.requester)),
      booleanArray(rows.map((row) => row.inCrl)),
      changeId,
    ],
  });
  return inserted.map((row) => row.serial);
}

/**
 * Gives the change its place in the order of commits, as the last statement of the transaction: whoever comes next waits here
 * for our COMMIT, though not longer than two seconds if our process stands still. @returns the position
 */
export async function closeChange(tx: Queryable, changeId: bigint): Promise<bigint> {
  const [row] = await tx.query<{ position: string }>({
    name: 'revocation-change-close',
    text: `with head as (
        update revocation_head set position = position + 1 returning position
      ) insert into revocation_changes (position, change_id) select position, $1 from head
        returning position::text, set_config('idle_in_transaction_session_timeout', '2s', true)`,
    values: [changeId],
  });
  if (row === undefined) throw new Error('The database has no head of revocations');
  return BigInt(row.position);
}

/**
 * `newChangeId` and `closeChange` for a change that is one statement: expressions of a WITH list. `changed` are the names of
 * those that change something: counting them makes sure that they are done, and all their locks are had, before the head's.
 */
export const changeIdText = `change as materialized (select nextval('revocation_change_ids') as id)`;

/** @param first of these decides whether there is a change at all */
export function closeChangeText(first: string, ...others: readonly string[]): string {
  const done = others.map((name) => ` and (select count(*) from ${name}) >= 0`).join('');
  return `head as (
  update revocation_head set position = position + 1
  where (select count(*) from ${first}) > 0${done} returning position
), closed as (
  insert into revocation_changes (position, change_id) select position, id from head, change
)`;
}

function octetsOf(serial: string): Buffer {
  const octets = octetsOfSerial(serial);
  if (octets === undefined) throw new RangeError(`${serial} is not a serial number`);
  return octets;
}
