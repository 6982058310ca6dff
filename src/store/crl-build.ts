import pg from 'pg';
import { insertCrl } from './crl-insert.ts';
import { mostPending, type OpenSession, openSession } from './crl-session.ts';
import { planBy } from './crl-tally.ts';
import type { BuiltCrl, CrlBuildSession, CrlBuildTerms, StoredCrl } from './crls.ts';
import { type Database, LockBusy, type Queryable, type Transaction } from './database.ts';
import { NotLeading, readEpoch } from './leadership.ts';

const keptCrls = 3;
/** Longer than any build of a leader of before takes to notice that it is over, unless its process stands still. */
const lockPatienceMs = 3_000;

/**
 * The pool's statement timeout was not made for what a million entries take, and a process that stands still in the middle must
 * not keep the lock from the next leader.
 */
const buildSettings = `${planBy({ table: false })},
  set_config('statement_timeout', '10min', true), set_config('idle_in_transaction_session_timeout', '10s', true)`;

/**
 * Builds the next CRL in one REPEATABLE READ transaction, under the authority's advisory lock. The lock is taken
 * before the transaction begins: a snapshot from while we waited would miss the CRL of the holder before us, and give
 * its number again. (The primary key of `crls` is the last guard.)
 */
export async function buildCrl(
  db: Database,
  authority: string,
  terms: CrlBuildTerms,
  work: (session: CrlBuildSession) => Promise<BuiltCrl | undefined>,
): Promise<StoredCrl | undefined> {
  const result = await underLock(db, authority, terms, work).catch(async (error: unknown) => {
    if (!(error instanceof LockBusy)) throw error;
    await dismissFormerBuilder(db, authority, terms.epoch);
    return await underLock(db, authority, terms, work);
  });
  if (result !== undefined && result.pending >= mostPending) {
    // So many new rows make the next build visit the table for each of them, until its own autovacuum comes a minute later.
    await db.query({ text: 'vacuum (analyze) revocations' }).catch(() => undefined);
  }
  return result?.stored;
}

interface Build {
  readonly stored: StoredCrl;
  /** What there was to tell of. */
  readonly pending: number;
}

/** @throws LockBusy */
async function underLock(
  db: Database,
  authority: string,
  terms: CrlBuildTerms,
  work: (session: CrlBuildSession) => Promise<BuiltCrl | undefined>,
): Promise<Build | undefined> {
  return await db.withAdvisoryLock(
    lockOf(authority),
    (session) =>
      session.transaction((tx) => buildIn(tx, authority, terms, work), { isolation: 'repeatable read' }),
    { patienceMs: lockPatienceMs },
  );
}

function lockOf(authority: string): string {
  return `internal-ca/crl/${authority}`;
}

/**
 * Only a leader builds, so whoever holds the lock although we lead has led before, and stands still: stopped, or cut off with
 * half of an answer on its way, where no timeout of the server reaches it. Its connection is closed, and with it the lock.
 */
async function dismissFormerBuilder(db: Database, authority: string, epoch: bigint): Promise<void> {
  if ((await readEpoch(db, { lock: false })) !== epoch) throw new NotLeading(epoch);
  await db.query({
    text: `select pg_terminate_backend(pid) from pg_locks
      where locktype = 'advisory' and granted and objsubid = 1 and pid <> pg_backend_pid()
        and database = (select oid from pg_database where datname = current_database())
        and (classid::bigint << 32) | objid::bigint = hashtextextended($1, 0)`,
    values: [lockOf(authority)],
  });
}

async function buildIn(
  tx: Transaction,
  authority: string,
  terms: CrlBuildTerms,
  work: (session: CrlBuildSession) => Promise<BuiltCrl | undefined>,
): Promise<Build | undefined> {
  await tx.query({ text: buildSettings });
  if ((await readEpoch(tx, { lock: false })) !== terms.epoch) throw new NotLeading(terms.epoch);
  const session = await openSession(tx, authority, terms);
  const built = await work(session);
  if (built === undefined) {
    await moveOn(tx, session);
    return undefined;
  }
  const { reading, position, number, startedAt: createdAt, pending } = session;
  // Whatever it lists counts as told of from now on: a CRL made without some of it would lose revocations for ever.
  if (!reading.complete) throw new Error('A CRL was built without reading every entry');
  const stored = await insertCrl(tx, {
    ...built,
    ...{ authority, number, position, createdAt, entryCount: reading.count },
  });
  await tx.query({
    text: `delete from crls where authority = $1 and number <= (
        select number from crls where authority = $1 order by number desc offset ${keptCrls} limit 1)`,
    values: [authority],
  });
  await assertStillLeading(tx, terms.epoch);
  return { stored, pending };
}

/** So many changes of other authorities are not looked through again at every look. */
const farBehind = 1_000n;

/** A CRL that nothing has to be added to tells of what happened to other authorities as well. */
async function moveOn(tx: Queryable, { previous, position, pending }: OpenSession): Promise<void> {
  if (previous === undefined || pending > 0 || position - previous.position < farBehind) return;
  await tx.query({
    text: 'update crls set position = $3 where authority = $1 and number = $2',
    values: [previous.authority, previous.number, position],
  });
}

/**
 * The fence, as the last thing before COMMIT: from here on nobody can begin another term until we have committed. Whoever
 * stands still in between does not hold that up for long.
 */
async function assertStillLeading(tx: Queryable, epoch: bigint): Promise<void> {
  await tx.query({ text: `select set_config('idle_in_transaction_session_timeout', '2s', true)` });
  try {
    await readEpoch(tx, { lock: true });
  } catch (error) {
    // 40001, serialization_failure: the row has changed since our snapshot, in which the term was ours.
    if (error instanceof pg.DatabaseError && error.code === '40001') throw new NotLeading(epoch);
    throw error;
  }
}
