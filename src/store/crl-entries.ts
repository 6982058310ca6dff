import { setImmediate } from 'node:timers/promises';
import pg from 'pg';
import { endOf, serialAt } from '../x509/crl-walk.ts';
import type { Copyable } from './database.ts';

/** Some 200 kB a page: few round trips, and each is taken in a millisecond or two. */
const entriesPerPage = 5_000;

interface EntryPage {
  readonly entries: Buffer;
  readonly count: number;
  /** A view of the last serial, when more pages may follow. */
  readonly last: Buffer | undefined;
}

/** Reads every entry of a CRL in pages by serial; the server joins the bytes of each, and reads on while we take one. */
export class EntryReader {
  /** Entries of the last whole reading. */
  count = 0;
  complete = false;
  readonly #tx: Copyable;
  readonly #authority: string;

  constructor(tx: Copyable, authority: string) {
    this.#tx = tx;
    this.#authority = authority;
  }

  async *read(): AsyncGenerator<Buffer> {
    this.count = 0;
    this.complete = false;
    let after: Buffer = Buffer.alloc(0);
    let next: Promise<Buffer | undefined> | undefined = this.#page(after);
    while (next !== undefined) {
      const octets: Buffer | undefined = await next;
      // A server that is quicker than we are has the next page there when this one is done, and the next: others get their turn.
      await setImmediate();
      const page = measure(octets);
      // Rows whose entries are of other serials would give the same page for ever.
      if (page.last !== undefined && page.last.compare(after) <= 0)
        throw new Error(`The entry of a revocation is not of its serial: after ${after.toString('hex')}`);
      after = page.last ?? after;
      next = page.last === undefined ? undefined : this.#page(after);
      // Whoever stops reading does not wait for it.
      next?.catch(() => undefined);
      this.count += page.count;
      if (page.count > 0) yield page.entries;
    }
    this.complete = true;
  }

  /** The index on (authority, serial), which holds the entries too: in order and without the table once vacuumed. */
  #page(after: Buffer): Promise<Buffer | undefined> {
    return this.#tx.copyOut(`
      select string_agg(entry, ''::bytea order by serial) from (
        select serial, entry from revocations
        where authority = ${pg.escapeLiteral(this.#authority)} and in_crl and serial > decode('${after.toString('hex')}', 'hex')
        order by serial limit ${entriesPerPage}
      ) as page`);
  }
}

function measure(entries: Buffer = Buffer.alloc(0)): EntryPage {
  let count = 0;
  let last = 0;
  for (let at = 0; at < entries.length; at = endOf(entries, at)) {
    last = at;
    count += 1;
  }
  return { entries, count, last: count < entriesPerPage ? undefined : serialAt(entries, last) };
}
