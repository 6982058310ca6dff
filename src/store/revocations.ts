import type { RevocationReason } from '../x509/revocation-reason.ts';
import type { StoredRevocation } from './certificates.ts';
import type { Database } from './database.ts';
import { createRevocationInserter } from './revocations-insert.ts';
import { type HoldRelease, type ReasonUpdate, releaseHold, updateReason } from './revocations-update.ts';

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
  /** False: no CRL will list it, so that only those who ask online refuse it. A probe's certificate. */
  readonly inCrl?: boolean;
}

export interface RevocationOutcome {
  /** What stands now. */
  readonly revocation: StoredRevocation;
  /** False when it stood before. */
  readonly created: boolean;
}

/** Every change resolves after COMMIT, and has its place in the order of commits (`revocation_head`). */
export interface RevocationStore {
  /**
   * Records the revocation. Calls that wait while a write is in flight go together in the next statement. Idempotent: the
   * first one stands, `created` tells. The key is blocked in either case.
   * @throws Fault certificate-not-found, database-unavailable (it may or may not be recorded)
   */
  revoke(request: RevocationRequest): Promise<RevocationOutcome>;
  /**
   * Gives a revocation another reason; it stays of its date. The key is blocked in either case, if asked for.
   * @returns false when there is no such revocation any more: of this date, with one of these reasons
   */
  updateReason(update: ReasonUpdate): Promise<boolean>;
  /** Takes a certificateHold back. @returns false when it is not on hold */
  releaseHold(release: HoldRelease): Promise<boolean>;
  /** Changes for CRLs that came after what the newest one covers; `compromised` when a key or a CA is in the wrong hands. */
  pending(authority: string): Promise<{ count: number; compromised: boolean }>;
}

export function createRevocationStore(db: Database): RevocationStore {
  return {
    revoke: createRevocationInserter(db),
    updateReason: (update) => updateReason(db, update),
    releaseHold: (release) => releaseHold(db, release),
    pending: (authority) => readPending(db, authority),
  };
}

const pendingText = `
with recent as (
  select change_id from revocation_changes where position > coalesce(
    (select position from crls where authority = $1 order by number desc limit 1), 0)
), pending as (
  select reason from recent join revocations using (change_id) where authority = $1 and in_crl
  union all
  select null from recent join hold_releases using (change_id) where authority = $1
)
select count(*)::int as count,
  coalesce(bool_or(reason in ('keyCompromise', 'cACompromise')), false) as compromised
from pending`;

async function readPending(
  db: Database,
  authority: string,
): Promise<{ count: number; compromised: boolean }> {
  const [row] = await db.query<{ count: number; compromised: boolean }>({
    name: 'revocations-pending',
    text: pendingText,
    values: [authority],
  });
  return row ?? { count: 0, compromised: false };
}
