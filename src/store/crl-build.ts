import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { EntryReader } from './crl-entries.ts';
import { type CrlRow, crlColumns, crlOf } from './crl-row.ts';
import type { BuiltCrl, CrlBuildSession, CrlBuildTime, StoredCrl } from './crls.ts';
import type { Database, Queryable } from './database.ts';

const keptCrls = 3;
/** After marking this many rows, the next build would find the index full of dead entries. */
const vacuumAfter = 50_000;

/**
 * A million rows are marked in one statement, which the pool's statement timeout was not made for. And the entries are
 * read through their index also where the statistics are not up to date: sorting them anew for every page costs minutes.
 */
const buildSettings = `select set_config('statement_timeout', '10min', true),
  set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)`;

/**
 * Builds the next CRL in one REPEATABLE READ transaction, under the authority's advisory lock. The lock is taken
 * before the transaction begins: a snapshot from while we waited would miss the CRL of the holder before us, and give
 * its number again. (The primary key of `crls` is the last guard.)
 */
export async function buildCrl(
  db: Database,
  authority: string,
  time: CrlBuildTime,
  work: (session: CrlBuildSession) => Promise<BuiltCrl | undefined>,
): Promise<StoredCrl | undefined> {
  const result = await db.withAdvisoryLock(`internal-ca/crl/${authority}`, async (session) => {
    try {
      return await session.transaction((tx) => buildIn(tx, authority, time, work), {
        isolation: 'repeatable read',
      });
    } catch (error) {
      if (error instanceof NothingBuilt) return undefined;
      throw error;
    }
  });
  if (result !== undefined && result.marked >= vacuumAfter) {
    // Where the database does not let us, its own autovacuum comes a minute later.
    await db.query({ text: 'vacuum (analyze) revocations' }).catch(() => undefined);
  }
  return result?.stored;
}

/** Rolls back: no CRL, so nothing entered or left one. */
class NothingBuilt extends Error {}

async function buildIn(
  tx: Queryable,
  authority: string,
  time: CrlBuildTime,
  work: (session: CrlBuildSession) => Promise<BuiltCrl | undefined>,
): Promise<{ stored: StoredCrl; marked: number }> {
  await tx.query({ text: buildSettings });
  const previous = await latestCrl(tx, authority);
  if (previous !== undefined) await dropExpired(tx, previous, time.now);
  const next = (previous?.number ?? 0n) + 1n;
  const number = next > time.atLeast ? next : time.atLeast;
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
  return { stored, marked };
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
