import type { Queryable } from './database.ts';

/** Some 200 kB a page: few round trips, and what the driver makes of it on the way is soon gone. */
const entriesPerPage = 5_000;

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

/** Reads every entry of a CRL in pages by serial; the server joins the bytes of each, and reads on while we take one. */
export class EntryReader {
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
      text: completePage,
      values: [this.#authority, after],
    });
    return page ?? { entries: null, count: 0, last: null };
  }
}
