import { type FaultReason, faultReasonsIn } from '../fault.ts';
import { membersOf } from '../members-of.ts';
import type { CopyReader } from '../publication/copy-forms.ts';
import type { VerificationSettings } from './verification.ts';

/** `crl`: the controller reads the list. `online`: it asks us about each request. `both`: one refusal of either is enough. */
export type RevocationMode = 'crl' | 'online' | 'both';

/** How far revocation is really seen to, which may be more than was wished. */
export interface RevocationInForce {
  readonly effective: RevocationMode;
  /** Every path of its hosts asks us, so that nothing would be missed without the CRL. False where nothing asks. */
  readonly wholeHost: boolean;
  /** Why it is not what was wished, or cannot become what the budget needs. */
  readonly why?: FaultReason;
}

/** Which authorities' CRLs outgrow their Secrets. In memory: asking costs nothing. */
export interface RevocationBudget {
  /** True when Ingresses of this authority must not depend on the CRL alone. */
  movesOnline(authority: string): boolean;
  /** Called after any of the answers has changed. @returns ends it */
  onChange?(listener: () => void): () => void;
}

export function asksOnline(mode: RevocationMode): boolean {
  return mode !== 'crl';
}

/** What the Ingress will need of its copy of the Secret. In mode `off` nobody's certificate is looked at. */
export function readerOf({
  name,
  settings,
  revocation,
}: {
  readonly name: string;
  readonly settings: Pick<VerificationSettings, 'mode'>;
  readonly revocation: Pick<RevocationInForce, 'effective'>;
}): CopyReader {
  return { name, asksOnline: settings.mode === 'off' || asksOnline(revocation.effective) };
}

/** What the settings come to where an authority has outgrown its Secrets. Who asks nobody for certificates is not moved. */
export function neededRevocation(
  { mode, revocation }: Pick<VerificationSettings, 'mode' | 'revocation'>,
  authority: string,
  budget: RevocationBudget | undefined,
): RevocationMode {
  const moves = revocation === 'crl' && mode !== 'off' && budget?.movesOnline(authority) === true;
  return moves ? 'both' : revocation;
}

export function isRevocationMode(value: unknown): value is RevocationMode {
  return value === 'crl' || value === 'online' || value === 'both';
}

/** Reads it from a row; one of a program of before says nothing of it, and depends on the CRL. */
export function revocationInForce(value: unknown): RevocationInForce {
  const { effective, wholeHost, why } = membersOf(value);
  const [reason] = faultReasonsIn(why === undefined ? [] : [why]);
  return {
    effective: isRevocationMode(effective) ? effective : 'crl',
    wholeHost: wholeHost === true,
    ...(reason === undefined ? {} : { why: reason }),
  };
}
