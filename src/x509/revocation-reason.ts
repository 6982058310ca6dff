/** CRLReason (RFC 5280 5.3.1) by number. certificateHold is the one that can be taken back. */
const reasonCodes = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  privilegeWithdrawn: 9,
  aACompromise: 10,
} as const;

export type RevocationReason = keyof typeof reasonCodes;

/** What an entry of a CRL may say. removeFromCRL is no reason to revoke: it stands in delta CRLs only (5.3.1). */
export type EntryReason = RevocationReason | 'removeFromCRL';

const removeFromCrlCode = 8;

export function isRevocationReason(text: string): text is RevocationReason {
  return Object.hasOwn(reasonCodes, text);
}

/** Every reason on offer, in the order of their numbers. */
export const revocationReasons: readonly RevocationReason[] =
  Object.keys(reasonCodes).filter(isRevocationReason);

export function reasonCodeOf(reason: EntryReason): number {
  return reason === 'removeFromCRL' ? removeFromCrlCode : reasonCodes[reason];
}

/** What an entry of a delta CRL says. Undefined for a number that is not on offer. */
export function deltaReasonOfCode(code: number): EntryReason | undefined {
  return code === removeFromCrlCode ? 'removeFromCRL' : reasonOfCode(code);
}

/** Undefined for a number that is not on offer. */
export function reasonOfCode(code: number): RevocationReason | undefined {
  return revocationReasons.find((reason) => reasonCodes[reason] === code);
}
