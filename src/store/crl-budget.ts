import type { Queryable } from './database.ts';

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
  /** The copies in these namespaces are to have no CRL. */
  leaveOut(namespaces: readonly string[], at: Date): Promise<void>;
  putBack(namespaces: readonly string[]): Promise<void>;
  /** Replaces what was noted of that day, and forgets what is older than a year. */
  noteSize(size: CrlSize): Promise<void>;
  /** Oldest first. */
  sizesSince(day: string): Promise<readonly CrlSize[]>;
}

export function createCrlBudgetStore(db: Queryable): CrlBudgetStore {
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
    async leaveOut(namespaces, at) {
      await db.query({
        text: `insert into copies_without_crl (namespace, since) select unnest($1::text[]), $2
          where exists (select from crl_budget where stage = 'online') on conflict do nothing`,
        values: [namespaces, at],
      });
    },
    async putBack(namespaces) {
      await db.query({
        text: 'delete from copies_without_crl where namespace = any($1)',
        values: [namespaces],
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
  const [row] = await db.query<{ stage: string | null; since: Date | null; namespaces: string[] }>({
    name: 'crl-budget',
    text: `select (select stage from crl_budget) as stage, (select since from crl_budget) as since,
      array(select namespace from copies_without_crl order by namespace) as namespaces`,
  });
  return {
    stage: budgetStages.find((stage) => stage === row?.stage) ?? 'full',
    withoutCrl: row?.namespaces ?? [],
    ...(row?.since ? { since: row.since } : {}),
  };
}
