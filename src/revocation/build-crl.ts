import type { Authority } from '../authority/authority.ts';
import type { Clock } from '../clock.ts';
import { sha256InSteps } from '../encoding/in-steps.ts';
import type { Term } from '../leadership/leadership.ts';
import type { BuiltCrl, CrlBuildSession, CrlStore, StoredCrl } from '../store/crls.ts';
import { NotLeading } from '../store/leadership.ts';
import { readCrl } from '../x509/crl.ts';
import { datedUntil } from '../x509/crl-walk.ts';
import { X509Error } from '../x509/x509-error.ts';
import { both } from './both.ts';
import { checkClock, checkCompact, checkEntries, checkHead } from './check-crl.ts';
import { CompactEntries } from './compact-entries.ts';
import { CrlCheckFailed } from './crl-check-failed.ts';
import { buildDelta } from './delta-crl.ts';
import { signCrl } from './sign-crl.ts';

/** The times of a CRL, in seconds. Start-up has checked that they do not contradict each other. */
export interface CrlTimes {
  readonly validitySeconds: number;
  /** A CRL is signed anew when less than this is left of it. */
  readonly overlapSeconds: number;
  readonly backdateSeconds: number;
  /** How far our clock and that of the database may be apart. */
  readonly clockToleranceSeconds: number;
}

export interface BuildCrlParts {
  readonly crls: Pick<CrlStore, 'build'>;
  readonly clock: Clock;
  readonly times: CrlTimes;
  /** Whether to make a delta with it; then `freshestCrl` is where that is, if it is anywhere. */
  readonly delta: boolean;
  readonly freshestCrl?: (authority: string) => string;
  /** The newest CRL at hand, which saves reading the previous one back. */
  readonly held?: (authority: string) => { readonly der: Buffer; readonly sha256: string } | undefined;
  /** The previous CRL's bytes are not what they were: what it lists cannot be compared. */
  readonly onUnreadable?: (previous: StoredCrl) => void;
  /** A check of the delta failed: the complete CRL goes out without one. */
  readonly onDeltaRefused?: (authority: string, failure: CrlCheckFailed) => void;
}

/**
 * Signs a new CRL if there is a reason to: none yet, a revocation that no CRL has, a number too low, or the time for it. One process
 * at a time does this, in one transaction, so that numbers rise strictly and no revocation is left out.
 * @returns the new CRL, or undefined when the present one is good
 * @throws NotLeading when the term with this epoch is over, CrlCheckFailed when what was made must not be published
 */
export async function buildCrl(
  parts: BuildCrlParts,
  authority: Authority,
  term: Pick<Term, 'epoch' | 'signal'>,
): Promise<StoredCrl | undefined> {
  const now = Math.floor(parts.clock.now() / 1000) * 1000;
  // From time, as Boulder does: a database that was restored from a backup goes on above every number that it gave out
  // before, and copies are never left with a CRL that counts as newer.
  const terms = { now: new Date(now), atLeast: BigInt(now / 1000), epoch: term.epoch };
  return await parts.crls.build(authority.name, terms, async (session) => {
    if (!isDue(session, now, parts.times)) return undefined;
    checkClock(parts.clock.now(), await session.databaseNow(), parts.times.clockToleranceSeconds);
    return await build(parts, authority, term, session, now);
  });
}

async function build(
  parts: BuildCrlParts,
  authority: Authority,
  { epoch, signal }: Pick<Term, 'epoch' | 'signal'>,
  session: CrlBuildSession,
  now: number,
): Promise<BuiltCrl> {
  const { number, previous } = session;
  const head = {
    number,
    thisUpdate: decideThisUpdate(previous, now, parts.times),
    nextUpdate: new Date(now + parts.times.validitySeconds * 1000),
  };
  checkHead(head, previous, now);
  const before = await previousEntries(parts, session);
  const entries: Buffer[] = [];
  const bare = new CompactEntries();
  for await (const chunk of session.entries()) {
    // Would be refused in the end: the reading of a million entries need not be waited for.
    if (signal.aborted) throw new NotLeading(epoch);
    // A list knows of nothing that happens later. thisUpdate does not move for it: a CRL that is not valid yet to a verifier whose
    // clock is slow makes it refuse everybody, with each revocation anew.
    const dated = datedUntil(chunk, head.thisUpdate);
    entries.push(dated);
    bare.add(dated);
  }
  const delta = parts.delta ? await deltaOf(parts, authority, head, session, entries) : undefined;
  // Nobody is sent to where none is, as when a check of it failed.
  const freshestCrl = delta === undefined ? undefined : parts.freshestCrl?.(authority.name);
  const options = freshestCrl === undefined ? {} : { freshestCrl };
  // The database counts while we hash.
  const [count, der] = await both(
    checkEntries(session, entries, before),
    signCrl(authority, head, entries, options),
  );
  if (bare.isWorthIt()) await checkCompact(entries, count, bare.entries);
  const compact = bare.isWorthIt() ? await signCrl(authority, head, bare.entries, options) : undefined;
  return {
    thisUpdate: head.thisUpdate,
    nextUpdate: head.nextUpdate,
    der,
    ...(compact && { compact: Buffer.concat(compact) }),
    ...(delta && { delta }),
  };
}

/**
 * A delta that lacks a revocation lets its holder in with whoever reads deltas. Without one they read the complete CRL, which is right
 * and must not wait for it.
 */
async function deltaOf(
  { onDeltaRefused }: BuildCrlParts,
  ...[authority, head, session, entries]: Parameters<typeof buildDelta>
): Promise<BuiltCrl['delta']> {
  try {
    return await buildDelta(authority, head, session, entries);
  } catch (error) {
    if (!(error instanceof CrlCheckFailed)) throw error;
    onDeltaRefused?.(authority.name, error);
    return undefined;
  }
}

/** The entries of the previous CRL; undefined when there is none to compare with. */
async function previousEntries(parts: BuildCrlParts, session: CrlBuildSession): Promise<Buffer | undefined> {
  const { previous } = session;
  if (previous === undefined) return undefined;
  try {
    return readCrl(await readPrevious(parts, session, previous)).revoked;
  } catch (error) {
    if (!(error instanceof X509Error)) throw error;
    // The table says all the same what must be there, so this is no reason to publish nothing.
    parts.onUnreadable?.(previous);
    return undefined;
  }
}

/** @throws X509Error when the bytes are not what they were */
async function readPrevious(
  { held }: BuildCrlParts,
  session: CrlBuildSession,
  { authority, sha256 }: StoredCrl,
): Promise<Buffer> {
  const present = held?.(authority);
  if (present?.sha256 === sha256) return present.der;
  const der = await session.previousDer();
  if (der === undefined || (await sha256InSteps([der])).toString('hex') !== sha256)
    throw new X509Error('crl-malformed', 'crl: the octets are not those that were stored', 'crl');
  return der;
}

function isDue(session: CrlBuildSession, now: number, times: CrlTimes): boolean {
  if (session.previous === undefined || session.pending > 0) return true;
  // Relying parties that have a CRL of before the import would not take ours for the newer one.
  if (session.previous.number <= session.numberFloor) return true;
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
