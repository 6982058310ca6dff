import { reasonCodeOf, revocationReasons } from '../x509/revocation-reason.ts';
import type { Database, Queryable } from './database.ts';

/** How far the revocations are, and of which database that is said. */
export interface RevocationHead {
  readonly position: bigint;
  /**
   * Another one after a restart, a failover or a restore: then positions cannot be compared with those of before. (A restore into
   * the running server makes the table anew.)
   */
  readonly origin: string;
}

/**
 * Revocations of one authority in a few bytes each, as many as one page has: `revocationFieldOctets`, then the serial. Numbers are
 * big-endian; times are seconds since 1970 in 64 bits.
 *
 * | octets | |
 * |---|---|
 * | 1 | CRLReason; `removeFromCRL` (8): a hold that was released |
 * | 8 | revoked at |
 * | 8 | notAfter of the certificate |
 * | 1 | length of the serial |
 */
export interface RevocationPage {
  readonly authority: string;
  readonly records: Buffer;
}

export const revocationFieldOctets = 18;

export interface RevocationChangesReader {
  /** One small query. */
  head(): Promise<RevocationHead>;
  /** Calls `take` with every revocation of a certificate that expires at `since` or later. @returns what it is complete for */
  readAll(since: Date, take: (page: RevocationPage) => void): Promise<RevocationHead>;
  /** The same with what changed after a position, releases first. May repeat what is known. */
  readChanges(after: bigint, take: (page: RevocationPage) => void): Promise<RevocationHead>;
}

/** Of the same origin as `position`, all that is after it: from one snapshot, so nothing is between the head and the rows. */
export function createRevocationChangesReader(
  db: Pick<Database, 'query' | 'transaction'>,
): RevocationChangesReader {
  return {
    head: () => readHead(db),
    readAll: (since, take) =>
      inSnapshot(db, async (tx) => {
        for await (const page of pagesOfAll(tx, since)) take(page);
      }),
    readChanges: (after, take) =>
      inSnapshot(db, async (tx) => {
        for (const page of await releases(tx, after)) take(page);
        for await (const page of pagesOfChanges(tx, after)) take(page);
      }),
  };
}

async function inSnapshot(
  db: Pick<Database, 'transaction'>,
  read: (tx: Queryable) => Promise<void>,
): Promise<RevocationHead> {
  return await db.transaction(
    async (tx) => {
      const head = await readHead(tx);
      await read(tx);
      return head;
    },
    { isolation: 'repeatable read' },
  );
}

async function readHead(db: Queryable): Promise<RevocationHead> {
  const [row] = await db.query<{ position: string; origin: string }>({
    name: 'revocation-head',
    text: `select position::text, concat_ws('/', extract(epoch from pg_postmaster_start_time()), tableoid) as origin
      from revocation_head`,
  });
  if (row === undefined) throw new Error('The database has no head of revocations');
  return { position: BigInt(row.position), origin: row.origin };
}

/** About 140 kB as the driver takes it, and two or three milliseconds of work. */
const rowsPerPage = 2_000;

const reasonCodeText = `case reason ${revocationReasons
  .map((reason) => `when '${reason}' then ${reasonCodeOf(reason)}`)
  .join(' ')} end`;

/** The record of a row with these columns; a reason that this program does not know counts as unspecified. */
const recordText = (code: string): string => `set_byte('\\x00', 0, coalesce(${code}, 0))
  || int8send(extract(epoch from revoked_at)::bigint) || int8send(extract(epoch from not_after)::bigint)
  || set_byte('\\x00', 0, octet_length(serial)) || serial`;

/**
 * In the order in which the rows lie in the table (by its TIDs, so that nothing is read twice and nothing at random): within one
 * snapshot none moves. A block has about fifty rows.
 */
const blocksPerPage = 32;

const blocksText = `select pg_relation_size('revocations') / current_setting('block_size')::int as blocks`;

const allText = `
select authority, string_agg(${recordText(reasonCodeText)}, ''::bytea) as records
from revocations where ctid >= $1::tid and ctid < $2::tid and not_after >= $3
group by authority`;

async function* pagesOfAll(tx: Queryable, since: Date): AsyncGenerator<RevocationPage> {
  const [size] = await tx.query<{ blocks: string }>({ text: blocksText });
  const blocks = Number(size?.blocks ?? 0);
  for (let block = 0; block < blocks; block += blocksPerPage) {
    yield* await tx.query<{ authority: string; records: Buffer }>({
      name: 'revocations-all',
      text: allText,
      values: [`(${block},0)`, `(${block + blocksPerPage},0)`, since],
    });
  }
}

/**
 * By position and serial, so that a million of one change come in pages that each begin where the last one ended, whatever the
 * planner makes of it: for each change a range of the index on (change_id, serial).
 */
const changesText = `
with page as materialized (
  select ch.position, r.* from revocation_changes ch cross join lateral (
    select serial, authority, reason, revoked_at, not_after from revocations
    where change_id = ch.change_id and serial > case when ch.position = $1 then $2 else ''::bytea end
    order by serial limit ${rowsPerPage}
  ) r
  where ch.position >= $1 order by ch.position, r.serial limit ${rowsPerPage}
), last as (
  select position, serial from page order by position desc, serial desc limit 1
)
select authority, string_agg(${recordText(reasonCodeText)}, ''::bytea) as records, count(*)::int as count,
  (select position::text from last) as position, (select serial from last) as serial
from page group by authority`;

interface ChangesRow {
  readonly authority: string;
  readonly records: Buffer;
  readonly count: number;
  /** The same in every row: where the next page goes on. */
  readonly position: string;
  readonly serial: Buffer;
}

async function* pagesOfChanges(tx: Queryable, after: bigint): AsyncGenerator<RevocationPage> {
  let from: { position: bigint; serial: Buffer } | undefined = {
    position: after + 1n,
    serial: Buffer.alloc(0),
  };
  while (from !== undefined) {
    const rows: ChangesRow[] = await tx.query<ChangesRow>({
      name: 'revocations-changed',
      text: changesText,
      values: [from.position, from.serial],
    });
    yield* rows;
    const count = rows.reduce((sum, row) => sum + row.count, 0);
    const [row] = rows;
    from =
      row === undefined || count < rowsPerPage
        ? undefined
        : { position: BigInt(row.position), serial: row.serial };
  }
}

/** Of those that are not revoked again. Made by hand, so few. */
async function releases(tx: Queryable, after: bigint): Promise<RevocationPage[]> {
  return await tx.query<{ authority: string; records: Buffer }>({
    name: 'hold-releases-changed',
    text: `select authority, string_agg(${recordText(String(reasonCodeOf('removeFromCRL')))}, ''::bytea) as records
      from (
        select authority, serial, held_at as revoked_at, not_after
        from revocation_changes join hold_releases h using (change_id)
        where position > $1 and not exists (select from revocations r where r.serial = h.serial)
      ) as released group by authority`,
    values: [after],
  });
}
