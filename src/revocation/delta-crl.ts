import type { Authority } from '../authority/authority.ts';
import type { BuiltCrl, CrlBuildSession, DeltaBase } from '../store/crls.ts';
import { datedUntil } from '../x509/crl-walk.ts';
import { type CrlHead, checkDelta } from './check-crl.ts';
import { signCrl } from './sign-crl.ts';

/** A delta that has half of what the complete CRL has saves nobody anything, unless both are small. */
const alwaysOctets = 256 * 1024;
/** What an entry of ours has without a reason, or a little less. */
const entryOctets = 32;

/**
 * The delta that goes with a complete CRL: same number, same times (RFC 5280 5.2.4). Where there is nothing to build upon, or too
 * much has changed, it is one without entries that builds upon this very CRL: certificates and CRLs name its address
 * (FreshestCRL), so something that is true has to be there. It cannot be added to an older CRL, and says by that to fetch the
 * complete one.
 * @throws CrlCheckFailed when what was made must not be published
 */
export async function buildDelta(
  authority: Authority,
  head: CrlHead,
  session: Pick<CrlBuildSession, 'deltaBase'>,
  complete: readonly Buffer[],
): Promise<NonNullable<BuiltCrl['delta']>> {
  const base = await session.deltaBase(head.thisUpdate);
  const changed = base && (await changesSince(base, head.thisUpdate, complete));
  const baseNumber = base === undefined || changed === undefined ? head.number : base.number;
  return { baseNumber, der: await signCrl(authority, head, changed ?? [], { deltaBase: baseNumber }) };
}

/** @returns undefined where they are too many */
async function changesSince(
  base: DeltaBase,
  thisUpdate: Date,
  complete: readonly Buffer[],
): Promise<readonly Buffer[] | undefined> {
  const most = Math.max(alwaysOctets, complete.reduce((total, { length }) => total + length, 0) / 2);
  // After a bulk that revoked most of all there are: what would be too much is not sorted, with each CRL, first.
  const limit = Math.ceil(most / entryOctets);
  if ((await base.count(limit)) >= limit) return undefined;
  const entries: Buffer[] = [];
  let octets = 0;
  for await (const chunk of base.entries()) {
    octets += chunk.length;
    if (octets > most) return undefined;
    entries.push(datedUntil(chunk, thisUpdate));
  }
  await checkDelta(base, entries);
  return entries;
}
