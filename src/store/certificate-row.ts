import type { RevocationReason } from '../x509/crl.ts';
import type { CertificateSummary, StoredRevocation } from './certificates.ts';

/** The columns of `certificate-summary`, as the driver gives them. */
export interface CertificateRow {
  readonly id: string;
  readonly serial: string;
  readonly authority: string;
  readonly profile: string;
  readonly subject: string;
  readonly common_name: string | null;
  readonly sans: string[];
  readonly not_before: Date;
  readonly not_after: Date;
  readonly requester: string;
  readonly spki_sha256: Buffer;
  readonly fingerprint: string;
  readonly metadata: Record<string, string>;
  readonly created_at: Date;
  readonly idempotency_key: string | null;
  readonly request_hash: Buffer | null;
  readonly revoked_at: Date | null;
  readonly reason: RevocationReason | null;
  readonly revoked_by: string | null;
  readonly first_crl: string | null;
}

/**
 * Of `revocations r`: the number of the first CRL that covers its change (and of this reason, where that was changed later).
 * What no CRL ever lists has no entry.
 */
export const firstCrlText = `(
  select h.number::text from revocation_changes ch
  join crl_history h on h.authority = r.authority and h.position >= ch.position
  where ch.change_id = r.change_id and octet_length(r.entry) > 0
  order by h.position, h.number limit 1)`;

/** Of `certificates c` joined with `revocations r`. */
export const certificateColumns = `c.id, encode(c.serial, 'hex') as serial, c.authority, c.profile, c.subject,
  c.common_name, c.sans, c.not_before, c.not_after, c.requester, c.spki_sha256,
  encode(c.fingerprint, 'hex') as fingerprint, c.metadata, c.created_at, c.idempotency_key, c.request_hash,
  r.revoked_at, r.reason, r.requester as revoked_by, ${firstCrlText} as first_crl`;

export function certificateOf(row: CertificateRow): CertificateSummary {
  const revocation = revocationOf(row);
  return {
    serial: row.serial,
    authority: row.authority,
    profile: row.profile,
    subject: row.subject,
    commonName: row.common_name,
    sans: row.sans,
    notBefore: row.not_before,
    notAfter: row.not_after,
    requester: row.requester,
    spkiSha256: row.spki_sha256,
    fingerprint: row.fingerprint,
    metadata: row.metadata,
    createdAt: row.created_at,
    ...(row.idempotency_key === null || row.request_hash === null
      ? {}
      : { idempotency: { key: row.idempotency_key, requestHash: row.request_hash } }),
    ...(revocation === undefined ? {} : { revocation }),
  };
}

export function revocationOf(
  row: Pick<CertificateRow, 'revoked_at' | 'reason' | 'revoked_by' | 'first_crl'>,
): StoredRevocation | undefined {
  if (row.revoked_at === null || row.reason === null || row.revoked_by === null) return undefined;
  return {
    revokedAt: row.revoked_at,
    reason: row.reason,
    requester: row.revoked_by,
    ...(row.first_crl === null ? {} : { crlNumber: row.first_crl }),
  };
}
