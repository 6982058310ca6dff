import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import pg from 'pg';
import { EntryReader } from './crl-entries.ts';
import { type CrlRow, crlColumns, crlOf } from './crl-row.ts';
import type { BuiltCrl, CrlBuildSession, CrlBuildTerms, StoredCrl } from './crls.ts';
import { type Database, LockBusy, type Queryable } from './database.ts';
import { NotLeading, readEpoch } from './leadership.ts';

const keptCrls = 3;
/** After marking this many rows, the next build would find the index full of dead entries. */
const vacuumAfter = 50_000;

/** Longer than any build of a leader of before takes to notice that it is over, unless its process stands still. */
const lockPatienceMs = 3_000;

/**
 * A million rows are marked in one statement, which the pool's statement timeout was not made for. And the entries are
 * read through their index also where the statistics are not up to date: sorting them anew for every page costs minutes.
 * A process that stands still in the middle must not keep the lock from the next leader.
 */
const buildSettings = `select set_config('statement_timeout', '10min', true),
  set_config('idle_in_transaction_session_timeout', '10s', true),
  set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)`;

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
  if (result !== undefined && result.marked >= vacuumAfter) {
    // Where the database does not let us, its own autovacuum comes a minute later.
    await db.query({ text: 'vacuum (analyze) revocations' }).catch(() => undefined);
  }
  return result?.stored;
}

interface Build {
  readonly stored: StoredCrl;
  readonly marked: number;
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
    async (session) => {
      try {
        return await session.transaction((tx) => buildIn(tx, authority, terms, work), {
          isolation: 'repeatable read',
        });
      } catch (error) {
        if (error instanceof NothingBuilt) return undefined;
        throw error;
      }
    },
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

/** Rolls back: no CRL, so nothing entered or left one. */
class NothingBuilt extends Error {}

async function buildIn(
  tx: Queryable,
  authority: string,
  terms: CrlBuildTerms,
  work: (session: CrlBuildSession) => Promise<BuiltCrl | undefined>,
): Promise<Build> {
  await tx.query({ text: buildSettings });
  if ((await readEpoch(tx, { lock: false })) !== terms.epoch) throw new NotLeading(terms.epoch);
  const previous = await latestCrl(tx, authority);
  if (previous !== undefined) await dropExpired(tx, previous, terms.now);
  const next = (previous?.number ?? 0n) + 1n;
  const number = next > terms.atLeast ? next : terms.atLeast;
  const entries = new EntryReader(tx, authority);
  const built = await work({
    number,
    pending: await countPending(tx, authority),
    entries: () => entries.read(),
    ...(previous === undefined ? {} : { previous }),
  });
  if (built === undefined) throw new NothingBuilt();
  // What comes next marks every row as listed: a CRL made without them would lose revocations for ever.
  if (!entries.complete) throw new Error('A CRL was built without reading every entry');
  const marked = await markListed(tx, authority, number);
  const stored = await insertCrl(tx, authority, number, entries.count, built);
  await tx.query({
    text: `delete from crls where authority = $1 and number <= (
        select number from crls where authority = $1 order by number desc offset ${keptCrls} limit 1)`,
    values: [authority],
  });
  await assertStillLeading(tx, terms.epoch);
  return { stored, marked };
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

async function latestCrl(tx: Queryable, authority: string): Promise<StoredCrl | undefined> {
  const [row] = await tx.query<CrlRow>({
    text: `select ${crlColumns} from crls where authority = $1 order by number desc limit 1`,
    values: [authority],
  });
  return row === undefined ? undefined : crlOf(row);
}

/**
 * An entry stays until it has been on one CRL issued after the certificate expired (RFC 5280 3.3): listed at all, and
 * expired before the previous CRL's thisUpdate, which is back-dated and so errs on the side of staying. And expired now:
 * the previous CRL may have been made while the clock was ahead.
 */
async function dropExpired(tx: Queryable, previous: StoredCrl, now: Date): Promise<void> {
  await tx.query({
    text: `update revocations set in_crl = false
      where authority = $1 and in_crl and first_crl is not null and not_after < least($2::timestamptz, $3::timestamptz)`,
    values: [previous.authority, previous.thisUpdate, now],
  });
}

async function markListed(tx: Queryable, authority: string, number: bigint): Promise<number> {
  const [row] = await tx.query<{ count: number }>({
    text: `with marked as (
        update revocations set first_crl = $2 where authority = $1 and first_crl is null returning 1
      ) select count(*)::int as count from marked`,
    values: [authority, number],
  });
  return row?.count ?? 0;
}

async function countPending(tx: Queryable, authority: string): Promise<number> {
  const [row] = await tx.query<{ count: number }>({
    text: 'select count(*)::int as count from revocations where authority = $1 and first_crl is null',
    values: [authority],
  });
  return row?.count ?? 0;
}

async function insertCrl(
  tx: Queryable,
  authority: string,
  number: bigint,
  entryCount: number,
  { thisUpdate, nextUpdate, der }: BuiltCrl,
): Promise<StoredCrl> {
  const sha256 = await sha256InSteps(der);
  const [row] = await tx.query<CrlRow>({
    text: `insert into crls
        (authority, number, this_update, next_update, entry_count, sha256, size_bytes, created_at, der)
      values ($1, $2, $3, $4, $5, $6, $7, now(), $8) returning ${crlColumns}`,
    values: [authority, number, thisUpdate, nextUpdate, entryCount, sha256, der.length, der],
  });
  if (row === undefined) throw new Error('The CRL was not recorded');
  return crlOf(row);
}

/** Takes less than a millisecond, so that requests get their turn while 40 MB are hashed. */
const hashStepOctets = 512 * 1024;

async function sha256InSteps(bytes: Buffer): Promise<Buffer> {
  const hash = createHash('sha256');
  for (let at = 0; at < bytes.length; at += hashStepOctets) {
    hash.update(bytes.subarray(at, at + hashStepOctets));
    await setImmediate();
  }
  return hash.digest();
}
