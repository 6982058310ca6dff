import type { Queryable } from './database.ts';

/** What can be found at a place, from well to worst. */
export const findings = [
  'current',
  'unread',
  'lapsing',
  'behind',
  'not-yet-valid',
  'lapsed',
  'missing',
  'broken',
] as const;

/**
 * `unread`: it could not be looked at for some time. `lapsing`: less than half of CRL_OVERLAP is left, and there is no newer one.
 * `behind`: valid, but older than what should long be there, however much of it is left. `missing`: nothing is there. `broken`: what is there is not ours, or not whole.
 */
export type Finding = (typeof findings)[number];

/** What was seen last at a place where the CRL or the CA certificates are published. */
export interface SeenPlace {
  /** As `PublishedCopy.target`, or `url:<address>`. */
  readonly place: string;
  readonly finding: Finding;
  /** In words, unless it is `current`. */
  readonly detail?: string;
  /** Decimal; of the first authority. Absent where no CRL was ever read. */
  readonly crlNumber?: string;
  /** The earliest of all CRLs there. */
  readonly nextUpdate?: Date;
  /** When it was looked at. */
  readonly at: Date;
}

/** What was seen of every place, by whichever replica looked, for all of them to read. */
export interface PublishedPlaceStore {
  /** Ordered by place. */
  list(): Promise<SeenPlace[]>;
  /** Of two looks at a place the later one counts; what says that it is of later than now is of a wrong clock, and counts for nothing. */
  save(seen: readonly SeenPlace[]): Promise<void>;
  /** There are no other places than these. */
  retain(places: readonly string[]): Promise<void>;
}

interface Row {
  readonly place: string;
  readonly finding: string;
  readonly detail: string | null;
  readonly crl_number: string | null;
  readonly next_update: Date | null;
  readonly seen_at: Date;
}

const columns = 'place, finding, detail, crl_number, next_update, seen_at';

export function createPublishedPlaceStore(db: Queryable): PublishedPlaceStore {
  return {
    async list() {
      const rows = await db.query<Row>({
        name: 'published-places-list',
        text: `select ${columns} from published_places order by place`,
      });
      return rows.map(seenOf);
    },
    async save(seen) {
      if (seen.length === 0) return;
      await db.query({
        text: `insert into published_places as old (${columns})
          select ${columns} from jsonb_to_recordset($1::jsonb) as t(
            place text, finding text, detail text, crl_number numeric, next_update timestamptz, seen_at timestamptz)
          on conflict (place) do update set finding = excluded.finding, detail = excluded.detail,
            crl_number = excluded.crl_number, next_update = excluded.next_update, seen_at = excluded.seen_at
          where old.seen_at <= excluded.seen_at or old.seen_at > now() + interval '1 minute'`,
        values: [JSON.stringify(seen.map(rowOf))],
      });
    },
    async retain(places) {
      await db.query({ text: 'delete from published_places where place <> all($1)', values: [places] });
    },
  };
}

function rowOf({ place, finding, detail, crlNumber, nextUpdate, at }: SeenPlace) {
  return {
    place,
    finding,
    // What a text column does not hold; the words of an API server or a proxy may have it.
    detail: detail?.replaceAll('\0', '').toWellFormed() ?? null,
    crl_number: crlNumber ?? null,
    next_update: nextUpdate ?? null,
    seen_at: at,
  };
}

function seenOf(row: Row): SeenPlace {
  return {
    place: row.place,
    // A word of a later version is none that this one may answer with.
    finding: findings.find((finding) => finding === row.finding) ?? 'unread',
    at: row.seen_at,
    ...(row.detail === null ? {} : { detail: row.detail }),
    ...(row.crl_number === null ? {} : { crlNumber: row.crl_number }),
    ...(row.next_update === null ? {} : { nextUpdate: row.next_update }),
  };
}
