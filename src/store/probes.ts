import type { Database } from './database.ts';

/** The standing report of one Ingress's door. */
export interface ProbeRecord {
  readonly namespace: string;
  readonly name: string;
  readonly verdict: string;
  readonly probedAt: Date;
  /** Of the client verification that the door was held against. */
  readonly recordUpdatedAt: Date;
  /** JSON. */
  readonly report: unknown;
}

/** An Ingress that is enforced, and when its door was last tried. */
export interface ProbeScheduleEntry {
  readonly namespace: string;
  readonly name: string;
  readonly recordUpdatedAt: Date;
  /** Of its standing report; null when there is none about this version of the record. */
  readonly verdict: string | null;
  /** Since the last try, by the database's clock; null as above. */
  readonly secondsAgo: number | null;
}

export interface ProbeStore {
  /**
   * Keeps the report, unless the client verification is gone or has changed since.
   * @returns the verdict of the report that it replaces, null when there was none; undefined when it was not kept
   */
  put(record: ProbeRecord): Promise<string | null | undefined>;
  /** Another try told nothing: the report stands. */
  touch(namespace: string, name: string): Promise<void>;
  find(namespace: string, name: string): Promise<ProbeRecord | undefined>;
  /** Ordered by namespace and name. */
  list(): Promise<readonly ProbeRecord[]>;
  /** Of every Ingress whose annotations are written, by namespace and name. */
  schedule(): Promise<readonly ProbeScheduleEntry[]>;
  /** How many standing reports about the present records have that verdict. */
  count(verdict: string): Promise<number>;
}

const columns = `namespace, name, verdict, probed_at as "probedAt", record_updated_at as "recordUpdatedAt", report`;

// The row of the client verification is locked, so that it stays as it is between the look and the insert.
const putText = `
with subject as (
  select namespace, name from client_verifications where namespace = $1 and name = $2 and updated_at = $5 for share
), old as (
  select verdict from probes where namespace = $1 and name = $2
), written as (
  insert into probes (namespace, name, verdict, probed_at, record_updated_at, report)
  select namespace, name, $3, $4, $5, $6 from subject
  on conflict (namespace, name) do update set
    verdict = excluded.verdict, probed_at = excluded.probed_at, record_updated_at = excluded.record_updated_at,
    report = excluded.report, tried_at = excluded.tried_at
)
select (select verdict from old) as replaced from subject`;

const scheduleText = `
select v.namespace, v.name, v.updated_at as "recordUpdatedAt", p.verdict,
  extract(epoch from now() - p.tried_at)::float8 as "secondsAgo"
from client_verifications v
left join probes p on p.namespace = v.namespace and p.name = v.name and p.record_updated_at = v.updated_at
where v.spec->>'state' = 'applied'
order by v.namespace, v.name`;

export function createProbeStore(db: Pick<Database, 'query'>): ProbeStore {
  return {
    async put({ namespace, name, verdict, probedAt, recordUpdatedAt, report }) {
      const [kept] = await db.query<{ replaced: string | null }>({
        text: putText,
        values: [namespace, name, verdict, probedAt, recordUpdatedAt, JSON.stringify(report)],
      });
      return kept?.replaced;
    },
    async touch(namespace, name) {
      await db.query({
        text: 'update probes set tried_at = now() where namespace = $1 and name = $2',
        values: [namespace, name],
      });
    },
    async find(namespace, name) {
      const [row] = await db.query<ProbeRecord>({
        text: `select ${columns} from probes where namespace = $1 and name = $2`,
        values: [namespace, name],
      });
      return row;
    },
    list: () => db.query<ProbeRecord>({ text: `select ${columns} from probes order by namespace, name` }),
    schedule: () => db.query<ProbeScheduleEntry>({ text: scheduleText }),
    async count(verdict) {
      const [row] = await db.query<{ count: number }>({
        text: `select count(*)::integer as count from probes p join client_verifications v
          on p.namespace = v.namespace and p.name = v.name and p.record_updated_at = v.updated_at
          where p.verdict = $1`,
        values: [verdict],
      });
      return row?.count ?? 0;
    },
  };
}
