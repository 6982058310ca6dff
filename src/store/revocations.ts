import { Fault } from '../fault.ts';
import type { RevocationReason } from '../x509/crl.ts';
import { type CertificateRow, revocationOf } from './certificate-row.ts';
import type { StoredRevocation } from './certificates.ts';
import type { Database } from './database.ts';
import { octetsOfSerial } from './serial.ts';

export interface RevocationRequest {
  /** Lower-case hex. */
  readonly serial: string;
  readonly authority: string;
  readonly reason: RevocationReason;
  readonly revokedAt: Date;
  readonly requester: string;
  /** The encoded entry of revokedCertificates (RFC 5280 5.1.2.6), as the CRL will carry it. */
  readonly entry: Buffer;
  /** Refuse this certificate's key in every later CSR (reason keyCompromise). */
  readonly blockSpki: boolean;
}

export interface RevocationStore {
  /**
   * Records the revocation; resolves after COMMIT. Idempotent: the first one stands, `created` tells. The key is
   * blocked in either case.
   * @throws Fault certificate-not-found
   */
  revoke(request: RevocationRequest): Promise<{ revocation: StoredRevocation; created: boolean }>;
  /** Revocations that no CRL lists yet; `compromised` when one of them is keyCompromise. */
  pending(authority: string): Promise<{ count: number; compromised: boolean }>;
}

type RevocationRow = Pick<CertificateRow, 'revoked_at' | 'reason' | 'revoked_by' | 'first_crl'>;

/** One statement, so one transaction. The row lock keeps the certificate from being deleted in between. */
const revokeText = `
with certificate as materialized (
  select id, serial, authority, not_after, spki_sha256 from certificates
  where serial = $1 and authority = $2 for key share
), blocked as (
  insert into blocked_keys (spki_sha256, serial, blocked_at)
  select spki_sha256, serial, $3 from certificate where $4::boolean
  on conflict do nothing
), created as (
  insert into revocations (serial, certificate_id, authority, entry, not_after, revoked_at, reason, requester)
  select serial, id, authority, $5, not_after, $3, $6, $7 from certificate
  on conflict do nothing
  returning certificate_id, revoked_at, reason, requester, first_crl
)
select revoked_at, reason, requester as revoked_by, first_crl
from certificate left join created on certificate_id = id`;

export function createRevocationStore(db: Database): RevocationStore {
  return {
    async revoke(request) {
      const serial = octetsOfSerial(request.serial);
      const row = serial === undefined ? undefined : await insertRevocation(db, serial, request);
      if (serial === undefined || row === undefined) throw notFound(request);
      const created = revocationOf(row);
      if (created !== undefined) return { revocation: created, created: true };
      // A new statement sees what the other one, that was first, has committed meanwhile.
      const [existing] = await db.query<RevocationRow>({
        name: 'revocations-by-serial',
        text: 'select revoked_at, reason, requester as revoked_by, first_crl from revocations where serial = $1',
        values: [serial],
      });
      const revocation = existing === undefined ? undefined : revocationOf(existing);
      if (revocation === undefined) throw notFound(request);
      return { revocation, created: false };
    },

    async pending(authority) {
      const [row] = await db.query<{ count: number; compromised: boolean }>({
        name: 'revocations-pending',
        text: `select count(*)::int as count, coalesce(bool_or(reason = 'keyCompromise'), false) as compromised
          from revocations where authority = $1 and first_crl is null`,
        values: [authority],
      });
      return row ?? { count: 0, compromised: false };
    },
  };
}

/** @returns the new row; one of nulls when there is a revocation already; `undefined` without such a certificate */
async function insertRevocation(
  db: Database,
  serial: Buffer,
  request: RevocationRequest,
): Promise<RevocationRow | undefined> {
  const { authority, revokedAt, blockSpki, entry, reason, requester } = request;
  const [row] = await db.query<RevocationRow>({
    name: 'revocations-insert',
    text: revokeText,
    values: [serial, authority, revokedAt, blockSpki, entry, reason, requester],
  });
  return row;
}

function notFound(request: RevocationRequest): Fault {
  return new Fault(
    'certificate-not-found',
    `${request.authority} has issued no certificate with the serial ${request.serial}`,
  );
}
