/** CRLReason (RFC 5280 5.3.1) by number. certificateHold (6) is not offered: nothing un-revokes. */
const reasonCodes = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  privilegeWithdrawn: 9,
  aACompromise: 10,
} as const;

export type RevocationReason = keyof typeof reasonCodes;

export function isRevocationReason(text: string): text is RevocationReason {
  return Object.hasOwn(reasonCodes, text);
}

/** Every reason on offer, in the order of their numbers. */
export const revocationReasons: readonly RevocationReason[] =
  Object.keys(reasonCodes).filter(isRevocationReason);

export function reasonCodeOf(reason: RevocationReason): number {
  return reasonCodes[reason];
}

/** Undefined for a number that is not on offer. */
export function reasonOfCode(code: number): RevocationReason | undefined {
  return revocationReasons.find((reason) => reasonCodes[reason] === code);
}
