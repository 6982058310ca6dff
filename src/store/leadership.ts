import type { Database, Queryable } from './database.ts';

/** What the database knows of the present term. */
export interface LeadershipRecord {
  readonly epoch: bigint;
  /** Undefined: the last one gave it up. */
  readonly holder: string | undefined;
  /** Another text after every renewal. */
  readonly renewal: string;
  /** Since the last renewal, in milliseconds by the database's clock. */
  readonly ageMs: number;
  /** How long the holder may go without renewing, in milliseconds. */
  readonly leaseMs: number;
}

export interface LeadershipClaim {
  readonly epoch: bigint;
  /** The term that this one took the place of; undefined when it is the first of all. */
  readonly previous: LeadershipRecord | undefined;
}

/** A write was about to be made for a term that is over. Nobody's fault: the next leader does it. */
export class NotLeading extends Error {
  override readonly name = 'NotLeading';

  constructor(epoch: bigint) {
    super(`The term ${epoch} is over: another replica leads, or nobody`);
  }
}

/** Every method throws Fault `database-unavailable`. */
export interface LeadershipStore {
  /** Undefined before anybody has ever led. */
  read(): Promise<LeadershipRecord | undefined>;
  /**
   * Begins a new term if `mayTake` agrees to what stands there now, with the row locked: of several that claim at once, or of
   * one that claims while the holder renews, one succeeds. Without a record nobody is asked.
   */
  claim(
    holder: string,
    leaseMs: number,
    mayTake: (present: LeadershipRecord) => boolean,
  ): Promise<LeadershipClaim | undefined>;
  /** False when the term is over: another one has begun, or it was given up. */
  renew(holder: string, epoch: bigint): Promise<boolean>;
  /** Gives the present term up, if it is this holder's. The epoch stays. */
  release(holder: string): Promise<void>;
}

/** All replicas on a database elect one among them; a database that is shared with others is told apart by its schema. */
const name = 'internal-ca';

/**
 * From time, as the numbers of CRLs: a database that was restored from a backup goes on above every epoch that it gave out
 * before, and copies are never left with one that counts as newer.
 */
const nowEpoch = '(extract(epoch from clock_timestamp()) * 1000)::bigint';

export function createLeadershipStore(db: Database): LeadershipStore {
  return {
    read: () => readRecord(db),
    claim: (holder, leaseMs, mayTake) => db.transaction((tx) => claim(tx, holder, leaseMs, mayTake)),
    async renew(holder, epoch) {
      // The lock makes it wait for a claim in progress, and then see that the term is over.
      const rows = await db.query({
        text: `with mine as (select name from leadership where name = $1 and holder = $2 and epoch = $3 for share)
          update leadership_renewals r set renewed_at = clock_timestamp() from mine where r.name = mine.name
          returning 1`,
        values: [name, holder, epoch],
      });
      return rows.length > 0;
    },
    async release(holder) {
      await db.query({
        text: 'update leadership set holder = null where name = $1 and holder = $2',
        values: [name, holder],
      });
    },
  };
}

/** The newest epoch in the eyes of a transaction. With `lock` nobody can begin another term before the transaction ends. */
export async function readEpoch(tx: Queryable, options: { lock: boolean }): Promise<bigint | undefined> {
  const [row] = await tx.query<{ epoch: string }>({
    text: `select epoch::text from leadership where name = $1${options.lock ? ' for share' : ''}`,
    values: [name],
  });
  return row === undefined ? undefined : BigInt(row.epoch);
}

async function claim(
  tx: Queryable,
  holder: string,
  leaseMs: number,
  mayTake: (present: LeadershipRecord) => boolean,
): Promise<LeadershipClaim | undefined> {
  const locked = await tx.query({
    text: 'select 1 from leadership where name = $1 for update',
    values: [name],
  });
  // A statement of its own: it sees what was committed while this one waited for the lock.
  const present = locked.length === 0 ? undefined : await readRecord(tx);
  if (present !== undefined && !mayTake(present)) return undefined;
  const [row] = await tx.query<{ epoch: string }>({
    text:
      present === undefined
        ? `insert into leadership (name, epoch, holder) values ($1, ${nowEpoch}, $2)
           on conflict do nothing returning epoch::text`
        : `update leadership set epoch = greatest(epoch + 1, ${nowEpoch}), holder = $2
           where name = $1 returning epoch::text`,
    values: [name, holder],
  });
  // Another one was first by a moment.
  if (row === undefined) return undefined;
  await tx.query({
    text: `insert into leadership_renewals (name, renewed_at, lease_ms) values ($1, clock_timestamp(), $2)
      on conflict (name) do update set renewed_at = excluded.renewed_at, lease_ms = excluded.lease_ms`,
    values: [name, leaseMs],
  });
  return { epoch: BigInt(row.epoch), previous: present };
}

interface LeadershipRow {
  readonly epoch: string;
  readonly holder: string | null;
  readonly renewal: string;
  readonly age_ms: number;
  readonly lease_ms: number;
}

async function readRecord(db: Queryable): Promise<LeadershipRecord | undefined> {
  const [row] = await db.query<LeadershipRow>({
    text: `select epoch::text, holder, extract(epoch from renewed_at)::text as renewal, lease_ms,
        (extract(epoch from clock_timestamp() - renewed_at) * 1000)::float8 as age_ms
      from leadership join leadership_renewals using (name) where name = $1`,
    values: [name],
  });
  if (row === undefined) return undefined;
  return {
    epoch: BigInt(row.epoch),
    holder: row.holder ?? undefined,
    renewal: row.renewal,
    ageMs: row.age_ms,
    leaseMs: row.lease_ms,
  };
}
