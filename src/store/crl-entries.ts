import type { Queryable } from './database.ts';

/** Some 200 kB a page: few round trips, and what the driver makes of it on the way is soon gone. */
const entriesPerPage = 5_000;

/** What is read, page by page: `page` with the authority, the serial to go on behind, and `values` from $3 on. */
interface EntrySource {
  readonly name: string;
  readonly page: string;
  readonly authority: string;
  readonly values?: readonly unknown[];
}

interface EntryPage {
  readonly entries: Buffer | null;
  readonly count: number;
  /** The last serial, when more pages may follow. */
  readonly last: Buffer | null;
}

/** The index on (authority, serial), which holds the entries too: in order and without the table once vacuumed. */
const completePage = `
with bound as (
  select serial from revocations
  where authority = $1 and in_crl and serial > $2 order by serial offset ${entriesPerPage - 1} limit 1
)
select string_agg(entry, ''::bytea order by serial) as entries, count(*)::int as count,
  (select serial from bound) as last
from revocations
where authority = $1 and in_crl and serial > $2
  and serial <= coalesce((select serial from bound), '\\x${'ff'.repeat(21)}'::bytea)`;

/** Every entry of the CRL. */
export function completeEntries(authority: string): EntrySource {
  return { name: 'crl-entries', page: completePage, authority };
}

/**
 * What changed behind the position $3: what is revoked, as it stands now, and what has been released. What was revoked again after
 * a release has changed after it, and counts as revoked.
 */
const changedPage = `
with changed as (
  select distinct on (serial) serial, entry from (
    select r.serial, r.entry, 0 as rank from revocation_changes c join revocations r on r.change_id = c.change_id
      where c.position > $3 and r.authority = $1 and r.in_crl and r.serial > $2
    union all
    select h.serial, h.entry, 1 from revocation_changes c join hold_releases h on h.change_id = c.change_id
      where c.position > $3 and h.authority = $1 and h.serial > $2
  ) as either order by serial, rank limit ${entriesPerPage}
)
select string_agg(entry, ''::bytea order by serial) as entries, count(*)::int as count,
  case when count(*) = ${entriesPerPage} then (select max(serial) from changed) end as last
from changed`;

/** The entries of a delta to what was known at this position. */
export function changedEntries(authority: string, since: bigint): EntrySource {
  return { name: 'crl-changes', page: changedPage, authority, values: [since] };
}

/** Reads the entries in pages by serial; the server joins the bytes of each, and reads on while we take one. */
export class EntryReader {
  /** Entries of the last whole reading. */
  count = 0;
  complete = false;
  readonly #tx: Queryable;
  readonly #source: EntrySource;

  constructor(tx: Queryable, source: EntrySource) {
    this.#tx = tx;
    this.#source = source;
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
    const { name, page: text, authority, values = [] } = this.#source;
    const [page] = await this.#tx.query<EntryPage>({ name, text, values: [authority, after, ...values] });
    return page ?? { entries: null, count: 0, last: null };
  }
}
