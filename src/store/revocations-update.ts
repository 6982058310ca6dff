import type { RevocationReason } from '../x509/revocation-reason.ts';
import type { Queryable } from './database.ts';
import { changeIdText, closeChangeText } from './revocation-changes.ts';
import { octetsOfSerial } from './serial.ts';

/** Another reason for what is revoked already. */
export interface ReasonUpdate {
  /** Lower-case hex. */
  readonly serial: string;
  readonly authority: string;
  /** The reasons that may be replaced. */
  readonly from: readonly RevocationReason[];
  readonly reason: RevocationReason;
  /** As it stands: the entry says it too, and it does not change. */
  readonly revokedAt: Date;
  readonly requester: string;
  /** The encoded entry of revokedCertificates, with the new reason. */
  readonly entry: Buffer;
  /** Refuse this certificate's key in every later CSR (reason keyCompromise), and since when. */
  readonly blockSpki?: { readonly at: Date };
}

/** A certificate on hold that is good again. */
export interface HoldRelease {
  /** Lower-case hex. */
  readonly serial: string;
  readonly authority: string;
  readonly releasedAt: Date;
  readonly requester: string;
  /** The encoded entry of a delta CRL, with the reason removeFromCRL (RFC 5280 5.3.1). */
  readonly entry: Buffer;
}

/** What no CRL lists has no entry, and stays so. */
const updateText = `
with ${changeIdText}, blocked as (
  insert into blocked_keys (spki_sha256, serial, blocked_at)
  select spki_sha256, serial, $8 from certificates
  where serial = $1 and authority = $2 and $8::timestamptz is not null
  on conflict do nothing
  returning 1
), updated as (
  update revocations set reason = $5, requester = $6, change_id = change.id,
    entry = case when octet_length(entry) > 0 then $7::bytea else entry end
  from change
  where serial = $1 and authority = $2 and reason = any($3::text[]) and revoked_at = $4
  returning 1
), ${closeChangeText('updated', 'blocked')}
select count(*)::int as count from updated`;

export async function updateReason(db: Queryable, update: ReasonUpdate): Promise<boolean> {
  const [row] = await db.query<{ count: number }>({
    name: 'revocations-update-reason',
    text: updateText,
    values: [
      octetsOfSerial(update.serial),
      update.authority,
      update.from,
      update.revokedAt,
      update.reason,
      update.requester,
      update.entry,
      update.blockSpki?.at ?? null,
    ],
  });
  return row?.count === 1;
}

const releaseText = `
with ${changeIdText}, released as (
  delete from revocations where serial = $1 and authority = $2 and reason = 'certificateHold'
  returning serial, authority, not_after, revoked_at, requester
), recorded as (
  insert into hold_releases
    (change_id, serial, authority, entry, not_after, held_at, held_by, released_at, requester)
  select change.id, serial, authority, $3, not_after, revoked_at, requester, $4, $5 from released, change
  returning 1
), ${closeChangeText('recorded')}
select count(*)::int as count from recorded`;

export async function releaseHold(db: Queryable, release: HoldRelease): Promise<boolean> {
  const [row] = await db.query<{ count: number }>({
    name: 'revocations-release-hold',
    text: releaseText,
    values: [
      octetsOfSerial(release.serial),
      release.authority,
      release.entry,
      release.releasedAt,
      release.requester,
    ],
  });
  return row?.count === 1;
}
