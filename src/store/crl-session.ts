import { changedEntries } from './crl-changes.ts';
import { EntryReader } from './crl-entries.ts';
import { readDer } from './crl-forms.ts';
import { type CrlRow, crlColumns, crlOf } from './crl-row.ts';
import { tallyOf } from './crl-tally.ts';
import type { CrlBuildSession, CrlBuildTerms, DeltaBase, StoredCrl } from './crls.ts';
import type { Copyable, Queryable } from './database.ts';
import { readClock } from './database-clock.ts';

/** Counting them to the last would take longer than anybody has use for. */
export const mostPending = 50_000;

export interface OpenSession extends CrlBuildSession {
  /** The head of the changes, as this snapshot sees it. */
  readonly position: bigint;
  readonly startedAt: Date;
  /** What was read of `entries`. */
  readonly reading: Pick<EntryReader, 'count' | 'complete'>;
}

/** Begins to look. Nothing is written before `entries` are read. */
export async function openSession(
  tx: Copyable,
  authority: string,
  { now, atLeast }: CrlBuildTerms,
): Promise<OpenSession> {
  const previous = await latestCrl(tx, authority);
  const since = previous?.position ?? 0n;
  const head = await readHead(tx, authority);
  const entries = new EntryReader(tx, authority);
  const next = max(max(previous?.number ?? 0n, head.lastNumber), head.numberFloor) + 1n;
  return {
    ...(previous === undefined ? {} : { previous }),
    position: head.position,
    startedAt: head.now,
    number: max(next, atLeast),
    numberFloor: head.numberFloor,
    pending: head.position === since ? 0 : await countPending(tx, authority, since),
    reading: entries,
    databaseNow: () => readClock(tx),
    async *entries() {
      if (previous !== undefined) await dropExpired(tx, previous, now);
      yield* entries.read();
    },
    tally: () => tallyOf(tx, listedText, [authority]),
    previousDer: async () => (previous === undefined ? undefined : await readDer(tx, previous)),
    wronglyGone: async (serials) =>
      previous === undefined ? [...serials] : await findWronglyGone(tx, previous, now, serials),
    deltaBase: (at) => findDeltaBase(tx, authority, at),
  };
}

/** What a complete CRL lists. */
const listedText = 'select entry from revocations where authority = $1 and in_crl';

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

async function latestCrl(tx: Queryable, authority: string): Promise<StoredCrl | undefined> {
  const [row] = await tx.query<CrlRow>({
    text: `select ${crlColumns} from crls where authority = $1 order by number desc limit 1`,
    values: [authority],
  });
  return row === undefined ? undefined : crlOf(row);
}

async function readHead(
  tx: Queryable,
  authority: string,
): Promise<{ position: bigint; lastNumber: bigint; numberFloor: bigint; now: Date }> {
  const [row] = await tx.query<{ position: string; last: string; floor: string; now: Date }>({
    text: `select position, now() as now,
        coalesce((select max(number) from crl_history where authority = $1), 0) as last,
        coalesce((select number from crl_number_floors where authority = $1), 0) as floor from revocation_head`,
    values: [authority],
  });
  if (row === undefined) throw new Error('The database has no head of revocations');
  return {
    position: BigInt(row.position),
    lastNumber: BigInt(row.last),
    numberFloor: BigInt(row.floor),
    now: row.now,
  };
}

async function countPending(tx: Queryable, authority: string, since: bigint): Promise<number> {
  const [row] = await tx.query<{ count: number }>({
    text: `select count(*)::int as count from (
        select from revocation_changes c join revocations r on r.change_id = c.change_id
          where c.position > $2 and r.authority = $1 and r.in_crl
        union all
        select from revocation_changes c join hold_releases h on h.change_id = c.change_id
          where c.position > $2 and h.authority = $1
        limit ${mostPending}
      ) as pending`,
    values: [authority, since],
  });
  return row?.count ?? 0;
}

/**
 * An entry stays until it has been on one CRL issued after the certificate expired (RFC 5280 3.3): listed at all, and
 * expired before the previous CRL's thisUpdate, which is back-dated and so errs on the side of staying. And expired now:
 * the previous CRL may have been made while the clock was ahead.
 */
async function dropExpired(tx: Queryable, previous: StoredCrl, now: Date): Promise<void> {
  await tx.query({
    text: `update revocations r set in_crl = false
      where authority = $1 and in_crl and not_after < least($2::timestamptz, $3::timestamptz)
        and exists (select from revocation_changes c where c.change_id = r.change_id and c.position <= $4)`,
    values: [previous.authority, previous.thisUpdate, now, previous.position],
  });
}

/** Gone may be what expired before the previous CRL, as `dropExpired` has it, and what was released since. */
async function findWronglyGone(
  tx: Queryable,
  { authority, thisUpdate, position }: StoredCrl,
  now: Date,
  serials: readonly Buffer[],
): Promise<Buffer[]> {
  const rows = await tx.query<{ serial: Buffer }>({
    text: `select gone.serial from unnest($2::bytea[]) as gone (serial)
      where not exists (
          select from revocations r where r.serial = gone.serial and r.authority = $1 and not r.in_crl
            and r.not_after < least($3::timestamptz, $4::timestamptz))
        and not exists (
          select from hold_releases h join revocation_changes c on c.change_id = h.change_id
          where h.serial = gone.serial and h.authority = $1 and c.position > $5)`,
    values: [authority, serials, thisUpdate, now, position],
  });
  return rows.map(({ serial }) => serial);
}

async function findDeltaBase(tx: Queryable, authority: string, now: Date): Promise<DeltaBase | undefined> {
  const [row] = await tx.query<{ number: string; position: string }>({
    text: `select number, position from crl_history where authority = $1
      order by next_update > $2 desc, case when next_update > $2 then number else -number end limit 1`,
    values: [authority, now],
  });
  if (row === undefined) return undefined;
  const changed = changedEntries(tx, authority, BigInt(row.position));
  return { number: BigInt(row.number), count: changed.count, entries: changed.read, tally: changed.tally };
}
