import { createHash } from 'node:crypto';
import { type CrlRow, crlColumns, crlOf } from './crl-row.ts';
import type { BuiltCrl, CrlBuildSession, StoredCrl } from './crls.ts';
import type { Database, Queryable } from './database.ts';

/** About 1 MB a page: few round trips, and no page holds up the event loop. */
const entriesPerPage = 20_000;
const keptCrls = 3;

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
export function buildCrl(
  db: Database,
  authority: string,
  work: (session: CrlBuildSession) => Promise<BuiltCrl | undefined>,
): Promise<StoredCrl | undefined> {
  return db.withAdvisoryLock(`internal-ca/crl/${authority}`, async (session) => {
    try {
      return await session.transaction((tx) => buildIn(tx, authority, work), {
        isolation: 'repeatable read',
      });
    } catch (error) {
      if (error instanceof NothingBuilt) return undefined;
      throw error;
    }
  });
}

/** Rolls back: no CRL, so nothing entered or left one. */
class NothingBuilt extends Error {}

async function buildIn(
  tx: Queryable,
  authority: string,
  work: (session: CrlBuildSession) => Promise<BuiltCrl | undefined>,
): Promise<StoredCrl> {
  await tx.query({ text: buildSettings });
  const previous = await latestCrl(tx, authority);
  if (previous !== undefined) await dropExpired(tx, previous);
  const number = (previous?.number ?? 0n) + 1n;
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
  await tx.query({
    text: 'update revocations set first_crl = $2 where authority = $1 and first_crl is null',
    values: [authority, number],
  });
  const stored = await insertCrl(tx, authority, number, entries.count, built);
  await tx.query({
    text: 'delete from crls where authority = $1 and number <= $2',
    values: [authority, number - BigInt(keptCrls)],
  });
  return stored;
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
 * expired before the previous CRL's thisUpdate, which is back-dated and so errs on the side of staying.
 */
async function dropExpired(tx: Queryable, previous: StoredCrl): Promise<void> {
  await tx.query({
    text: `update revocations set in_crl = false
      where authority = $1 and in_crl and first_crl is not null and not_after < $2`,
    values: [previous.authority, previous.thisUpdate],
  });
}

async function countPending(tx: Queryable, authority: string): Promise<number> {
  const [row] = await tx.query<{ count: number }>({
    text: 'select count(*)::int as count from revocations where authority = $1 and first_crl is null',
    values: [authority],
  });
  return row?.count ?? 0;
}

interface EntryPage {
  readonly entries: Buffer | null;
  readonly count: number;
  /** The last serial, when more pages may follow. */
  readonly last: Buffer | null;
}

/** The index on (authority, serial), which holds the entries too: in order and without the table once vacuumed. */
const pageText = `
with bound as (
  select serial from revocations
  where authority = $1 and in_crl and serial > $2 order by serial offset ${entriesPerPage - 1} limit 1
)
select string_agg(entry, ''::bytea order by serial) as entries, count(*)::int as count,
  (select serial from bound) as last
from revocations
where authority = $1 and in_crl and serial > $2
  and serial <= coalesce((select serial from bound), '\\x${'ff'.repeat(21)}'::bytea)`;

/** Reads the entries in pages by serial; the server joins the bytes of each, and reads on while we take one. */
class EntryReader {
  /** Entries of the last whole reading. */
  count = 0;
  complete = false;
  readonly #tx: Queryable;
  readonly #authority: string;

  constructor(tx: Queryable, authority: string) {
    this.#tx = tx;
    this.#authority = authority;
  }

  async *read(): AsyncGenerator<Buffer> {
    this.count = 0;
    this.complete = false;
    let next: Promise<EntryPage> | undefined = this.#page(Buffer.alloc(0));
    while (next !== undefined) {
      const page: EntryPage = await next;
      next = page.last === null ? undefined : this.#page(page.last);
      // Whoever stops reading does not wait for it.
      next?.catch(() => undefined);
      this.count += page.count;
      if (page.entries !== null) yield page.entries;
    }
    this.complete = true;
  }

  async #page(after: Buffer): Promise<EntryPage> {
    const [page] = await this.#tx.query<EntryPage>({
      name: 'crl-entries',
      text: pageText,
      values: [this.#authority, after],
    });
    return page ?? { entries: null, count: 0, last: null };
  }
}

async function insertCrl(
  tx: Queryable,
  authority: string,
  number: bigint,
  entryCount: number,
  { thisUpdate, nextUpdate, der }: BuiltCrl,
): Promise<StoredCrl> {
  const sha256 = createHash('sha256').update(der).digest();
  const [row] = await tx.query<CrlRow>({
    text: `insert into crls
        (authority, number, this_update, next_update, entry_count, sha256, size_bytes, created_at, der)
      values ($1, $2, $3, $4, $5, $6, $7, now(), $8) returning ${crlColumns}`,
    values: [authority, number, thisUpdate, nextUpdate, entryCount, sha256, der.length, der],
  });
  if (row === undefined) throw new Error('The CRL was not recorded');
  return crlOf(row);
}
