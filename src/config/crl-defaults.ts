/**
 * The CRL times that follow from its validity when they are not given: the overlap is half of it, and thisUpdate is
 * back-dated by ten minutes but never by more than a tenth. What is not a number is left for the schema to refuse.
 */
export function completeCrl(crl: unknown): void {
  if (!hasValidity(crl)) return;
  crl.overlapSeconds ??= crl.validitySeconds / 2;
  crl.backdateSeconds ??= Math.min(600, Math.floor(crl.validitySeconds / 10));
}

function hasValidity(
  crl: unknown,
): crl is { validitySeconds: number; overlapSeconds?: unknown; backdateSeconds?: unknown } {
  return (
    typeof crl === 'object' &&
    crl !== null &&
    'validitySeconds' in crl &&
    typeof crl.validitySeconds === 'number'
  );
}
