import type { Authority } from '../authority/authority.ts';
import type { Clock } from '../clock.ts';
import type { Term } from '../leadership/leadership.ts';
import type { CrlBuildSession, CrlStore, StoredCrl } from '../store/crls.ts';
import { NotLeading } from '../store/leadership.ts';
import { assembleCrl, encodeTbsCertList } from '../x509/crl.ts';
import { subjectKeyIdentifier } from '../x509/public-key.ts';

/** The times of a CRL, in seconds. Start-up has checked that they do not contradict each other. */
export interface CrlTimes {
  readonly validitySeconds: number;
  /** A CRL is signed anew when less than this is left of it. */
  readonly overlapSeconds: number;
  readonly backdateSeconds: number;
}

export interface BuildCrlParts {
  readonly crls: Pick<CrlStore, 'build'>;
  readonly clock: Clock;
  readonly times: CrlTimes;
}

/**
 * Signs a new CRL if there is a reason to: none yet, a revocation that no CRL has, or the time for it. One process
 * at a time does this, in one transaction, so that numbers rise strictly and no revocation is left out.
 * @returns the new CRL, or undefined when the present one is good
 * @throws NotLeading when the term with this epoch is over
 */
export async function buildCrl(
  parts: BuildCrlParts,
  authority: Authority,
  { epoch, signal }: Pick<Term, 'epoch' | 'signal'>,
): Promise<StoredCrl | undefined> {
  const now = Math.floor(parts.clock.now() / 1000) * 1000;
  // From time, as Boulder does: a database that was restored from a backup goes on above every number that it gave out
  // before, and copies are never left with a CRL that counts as newer.
  const terms = { now: new Date(now), atLeast: BigInt(now / 1000), epoch };
  return await parts.crls.build(authority.name, terms, async (session) => {
    if (!isDue(session, now, parts.times)) return undefined;
    const thisUpdate = decideThisUpdate(session.previous, now, parts.times);
    const nextUpdate = new Date(now + parts.times.validitySeconds * 1000);
    const entries: Buffer[] = [];
    for await (const chunk of session.entries()) {
      // Would be refused in the end: the reading of a million entries need not be waited for.
      if (signal.aborted) throw new NotLeading(epoch);
      entries.push(chunk);
    }
    const tbs = encodeTbsCertList({
      signatureAlgorithm: authority.signer.algorithm.der,
      issuer: authority.certificate.subject.der,
      thisUpdate,
      nextUpdate,
      authorityKeyId:
        authority.certificate.subjectKeyId ?? subjectKeyIdentifier(authority.certificate.publicKey),
      crlNumber: session.number,
      entries,
    });
    const signature = await authority.signer.sign(tbs.length === 1 && tbs[0] ? tbs[0] : Buffer.concat(tbs));
    return { thisUpdate, nextUpdate, der: assembleCrl(tbs, authority.signer.algorithm.der, signature) };
  });
}

function isDue(session: CrlBuildSession, now: number, times: CrlTimes): boolean {
  if (session.previous === undefined || session.pending > 0) return true;
  // Made while the clock was ahead: every verifier refuses it until then.
  if (session.previous.thisUpdate.getTime() > now) return true;
  return now >= session.previous.nextUpdate.getTime() - times.overlapSeconds * 1000;
}

/**
 * Back-dated for verifiers whose clock is slow, but never before the CRL it replaces: with two CRLs of one issuer
 * in a file, OpenSSL takes the one with the later thisUpdate. And never in the future, whatever the clock did before.
 */
function decideThisUpdate(previous: StoredCrl | undefined, now: number, times: CrlTimes): Date {
  const backdated = now - times.backdateSeconds * 1000;
  return new Date(Math.min(now, Math.max(backdated, previous?.thisUpdate.getTime() ?? 0)));
}
