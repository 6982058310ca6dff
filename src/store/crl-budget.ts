import type { Database, Queryable } from './database.ts';

export const budgetStages = ['full', 'compact', 'online', 'returning'] as const;

/**
 * How the copies carry the CRLs. `online`: Ingresses ask us, and the copies of those that all do carry none. `returning`: the
 * CRLs go back into every copy, and Ingresses ask us until they are there.
 */
export type BudgetStage = (typeof budgetStages)[number];

export interface BudgetState {
  readonly stage: BudgetStage;
  /** Absent while nothing was ever decided. */
  readonly since?: Date;
  /** Namespaces whose copy has no CRL, in order. */
  readonly withoutCrl: readonly string[];
  /** Another one when a copy was to have its CRL meanwhile. */
  readonly revision: bigint;
}

/** What the copies would take at the end of a day (UTC). */
export interface CrlSize {
  /** `2026-11-24` */
  readonly day: string;
  readonly entries: number;
  readonly fullBytes: number;
  readonly compactBytes: number;
}

export interface CrlBudgetStore {
  read(): Promise<BudgetState>;
  /** Does nothing when a later term has decided. Leaving `online` puts the CRL back into every copy. */
  setStage(stage: BudgetStage, at: Date, epoch: bigint): Promise<void>;
  /**
   * The copies in these namespaces are to have no CRL, by what was seen at this revision. @returns false, and nothing is done, when
   * a copy was put back since: an Ingress may depend on it that nobody saw
   */
  leaveOut(namespaces: readonly string[], at: Date, revision: bigint): Promise<boolean>;
  /** They are to have their CRL, whether they have it or not. */
  putBack(namespaces: readonly string[]): Promise<void>;
  /** Replaces what was noted of that day, and forgets what is older than a year. */
  noteSize(size: CrlSize): Promise<void>;
  /** Oldest first. */
  sizesSince(day: string): Promise<readonly CrlSize[]>;
}

export function createCrlBudgetStore(db: Pick<Database, 'query' | 'transaction'>): CrlBudgetStore {
  return {
    read: () => readState(db),
    async setStage(stage, at, epoch) {
      await db.query({
        text: `with decided as (
            insert into crl_budget as old (stage, since, epoch) values ($1, $2, $3)
            on conflict (one) do update set stage = excluded.stage, since = excluded.since, epoch = excluded.epoch
            where old.epoch <= excluded.epoch returning 1)
          delete from copies_without_crl where $1 <> 'online' and exists (select from decided)`,
        values: [stage, at, epoch],
      });
    },
    async leaveOut(namespaces, at, revision) {
      // The row is locked, so that of this and putBack one is over before the other begins.
      const rows = await db.query({
        text: `with seen as materialized (
            select 1 from crl_budget where stage = 'online' and revision = $3 for share
          ), left_out as (
            insert into copies_without_crl (namespace, since)
            select namespace, $2 from unnest($1::text[]) as given (namespace), seen on conflict do nothing
          ) select 1 from seen`,
        values: [namespaces, at, revision],
      });
      return rows.length > 0;
    },
    async putBack(namespaces) {
      await db.transaction(async (tx) => {
        await tx.query({ text: 'update crl_budget set revision = revision + 1' });
        // Its own statement: it has to see what the other one has left out until then.
        await tx.query({
          text: 'delete from copies_without_crl where namespace = any($1)',
          values: [namespaces],
        });
      });
    },
    async noteSize({ day, entries, fullBytes, compactBytes }) {
      await db.query({
        text: `with forgotten as (delete from crl_sizes where day < $1::date - 366)
          insert into crl_sizes (day, entries, full_bytes, compact_bytes) values ($1, $2, $3, $4)
          on conflict (day) do update set entries = excluded.entries, full_bytes = excluded.full_bytes,
            compact_bytes = excluded.compact_bytes`,
        values: [day, entries, fullBytes, compactBytes],
      });
    },
    async sizesSince(day) {
      return await db.query<CrlSize & Record<string, unknown>>({
        text: `select to_char(day, 'YYYY-MM-DD') as day, entries, full_bytes::float8 as "fullBytes",
            compact_bytes::float8 as "compactBytes" from crl_sizes where day >= $1::date order by day`,
        values: [day],
      });
    },
  };
}

async function readState(db: Queryable): Promise<BudgetState> {
  const [row] = await db.query<{
    stage: string | null;
    since: Date | null;
    revision: string | null;
    namespaces: string[];
  }>({
    name: 'crl-budget',
    text: `select (select stage from crl_budget) as stage, (select since from crl_budget) as since,
      (select revision from crl_budget) as revision, array(select namespace from copies_without_crl order by namespace) as namespaces`,
  });
  return {
    stage: budgetStages.find((stage) => stage === row?.stage) ?? 'full',
    withoutCrl: row?.namespaces ?? [],
    revision: BigInt(row?.revision ?? 0),
    ...(row?.since ? { since: row.since } : {}),
  };
}
