import type { Clock } from '../clock.ts';
import { Fault } from '../fault.ts';
import type { BulkRevocationStore } from '../store/bulk-revocation.ts';
import type { BulkCounts } from '../store/bulk-selection.ts';
import type { RevocationReason } from '../x509/revocation-reason.ts';
import { isUrgent, revocationDate, revokedEntry } from './revocation-facts.ts';

/** What the certificates have in common that are to be revoked. */
export interface BulkFilter {
  readonly authority?: string;
  readonly requester?: string;
  readonly profile?: string;
  /** Prefix of the common name or of the whole subject, without regard to case; as the search has it. */
  readonly subject?: string;
  /** Issued at this time or later. */
  readonly issuedAfter?: Date;
  readonly issuedBefore?: Date;
  /** SHA-256 of the SubjectPublicKeyInfo. */
  readonly spkiSha256?: Buffer;
}

export interface BulkRevokeRequest {
  readonly filter: BulkFilter;
  /** A filter that says nothing but the authority means all of its certificates: only when that is said. */
  readonly all: boolean;
  readonly reason: RevocationReason;
  /** Count only. */
  readonly dryRun: boolean;
  /** How many match, revoked or not, as a dry run has counted them. Another number: nothing is done. */
  readonly expectedCount?: number;
  readonly requester: string;
}

export interface BulkRevocation {
  readonly dryRun: boolean;
  readonly reason: RevocationReason;
  /** How many certificates match that have not expired. */
  readonly matched: number;
  /** How many of them were revoked for good before, and stay as they are. */
  readonly alreadyRevoked: number;
  /** How many were revoked now, or would be. Holds that become final are among them. */
  readonly revoked: number;
  /** The first that match, in ascending order. */
  readonly serials: readonly string[];
  readonly authorities: readonly string[];
}

export interface BulkRevocationService {
  /**
   * Revokes every certificate that matches and has not expired, in one transaction: all or none. With keyCompromise
   * every other certificate of the same keys counts as matching, and the keys are blocked. Asking again finds them revoked.
   * @throws Fault request-invalid (nothing is asked for, or too much), count-unexpected (nothing is done)
   */
  revokeMatching(request: BulkRevokeRequest): Promise<BulkRevocation>;
}

export interface BulkRevocationParts {
  readonly store: BulkRevocationStore;
  readonly clock: Clock;
  /** Called after the commit, once per authority. */
  readonly onRevoked: (authority: string, urgent: boolean) => void;
}

const shownSerials = 20;

/** As many as anybody can look through in a dry run. More of them only for who says how many they are. */
export const unconfirmedLimit = 100;

export function createBulkRevocationService(parts: BulkRevocationParts): BulkRevocationService {
  return {
    async revokeMatching(request) {
      const { filter, reason, dryRun, requester } = request;
      checkFilter(request);
      const now = new Date(parts.clock.now());
      const isKey = reason === 'keyCompromise';
      const selection = { filter, reason, now, withSameKeys: isKey };
      if (dryRun) {
        const counted = await parts.store.count(selection, shownSerials);
        const revoked = counted.matched - counted.alreadyRevoked;
        return { ...counted, dryRun, reason, revoked, authorities: [] };
      }
      const outcome = await parts.store.revoke(
        {
          ...{ ...selection, requester, blockKeys: isKey },
          revokedAt: revocationDate(parts.clock),
          entryOf: (serial, date) => revokedEntry(serial, date, reason),
        },
        shownSerials,
        (counts) => approve(counts, request),
      );
      for (const authority of outcome.authorities) parts.onRevoked(authority, isUrgent(reason));
      return { ...outcome, dryRun, reason };
    },
  };
}

/** The fence against the whole table by mistake. */
function checkFilter({ filter, all, dryRun, expectedCount }: BulkRevokeRequest): void {
  const { authority: _authority, ...criteria } = filter;
  const isBound = Object.values(criteria).some((value) => value !== undefined);
  if (isBound === all) {
    const detail = all
      ? 'With all there is nothing else to filter by but the authority.'
      : 'Say what the certificates have in common besides the authority, or all.';
    throw new Fault('request-invalid', detail, { field: '/filter' });
  }
  if (all && !dryRun && expectedCount === undefined) {
    throw new Fault(
      'request-invalid',
      'With all, say how many certificates there are (a dry run counts them).',
      {
        field: '/expectedCount',
      },
    );
  }
  const { issuedAfter, issuedBefore } = filter;
  if (issuedAfter !== undefined && issuedBefore !== undefined && issuedAfter >= issuedBefore) {
    throw new Fault('request-invalid', 'issuedBefore is not later than issuedAfter.', {
      field: '/filter/issuedBefore',
    });
  }
}

function approve({ matched, alreadyRevoked }: BulkCounts, { expectedCount }: BulkRevokeRequest): void {
  const found = `${matched} certificates match, ${alreadyRevoked} of them revoked already`;
  if (expectedCount === undefined) {
    if (matched <= unconfirmedLimit) return;
    throw new Fault('count-unexpected', `${found}; for more than ${unconfirmedLimit}, say expectedCount`, {
      field: '/expectedCount',
    });
  }
  if (matched === expectedCount) return;
  throw new Fault('count-unexpected', `${found}, and not ${expectedCount}; nothing was done`, {
    field: '/expectedCount',
  });
}
