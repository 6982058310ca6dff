import type { RevocationReason } from '../x509/revocation-reason.ts';

/** From what can be taken back to what is worst. */
const byGravity: readonly RevocationReason[] = [
  'certificateHold',
  'unspecified',
  'cessationOfOperation',
  'superseded',
  'affiliationChanged',
  'privilegeWithdrawn',
  'aACompromise',
  'cACompromise',
  'keyCompromise',
];

export interface RevocationFacts {
  readonly reason: RevocationReason;
  readonly revokedAt: Date;
}

/**
 * What holds where two sources tell of the revocation of one certificate: the graver reason, since the earlier date. It does not
 * matter which was read first, nor how often.
 */
export function mergeRevocations(a: RevocationFacts, b: RevocationFacts): RevocationFacts {
  const isGraver = byGravity.indexOf(a.reason) >= byGravity.indexOf(b.reason);
  return {
    reason: isGraver ? a.reason : b.reason,
    revokedAt: a.revokedAt <= b.revokedAt ? a.revokedAt : b.revokedAt,
  };
}
