import { tallyOf } from './crl-tally.ts';
import type { Tally } from './crls.ts';
import type { Queryable } from './database.ts';

/** What changed behind a position, as the entries of a delta have it. */
export interface ChangedEntries {
  /** How many there are, at most: nobody's entries are read for that. Counted up to `limit`. */
  count(limit: number): Promise<number>;
  /** In ascending serial order, many per chunk. */
  read(): AsyncGenerator<Buffer>;
  /** What `read` should have given. */
  tally(): Promise<Tally>;
}

/** Some 80 kB: the driver makes rows of them in a few milliseconds. */
const entriesPerFetch = 2_000;

/**
 * What is revoked, as it stands now, and what has been released. What was revoked again after a release has changed after it,
 * and counts as revoked.
 */
const changedText = `
select distinct on (serial) serial, entry from (
  select r.serial, r.entry, 0 as rank from revocation_changes c join revocations r on r.change_id = c.change_id
    where c.position > $2 and r.authority = $1 and r.in_crl
  union all
  select h.serial, h.entry, 1 from revocation_changes c join hold_releases h on h.change_id = c.change_id
    where c.position > $2 and h.authority = $1
) as either order by serial, rank`;

/** By the index on (change_id, serial) alone, so those of other authorities and of no CRL are counted, too. */
const countText = `
select count(*)::int as count from (
  select from revocation_changes c join revocations r on r.change_id = c.change_id where c.position > $1
  union all
  select from revocation_changes c join hold_releases h on h.change_id = c.change_id where c.position > $1
  limit $2
) as changed`;

export function changedEntries(tx: Queryable, authority: string, since: bigint): ChangedEntries {
  return {
    async count(limit) {
      const [row] = await tx.query<{ count: number }>({ text: countText, values: [since, limit] });
      return row?.count ?? 0;
    },
    tally: () => tallyOf(tx, changedText, [authority, since]),
    async *read() {
      // One cursor: in pages of their own, each would sort all that is left anew.
      await tx.query({ text: `select set_config('work_mem', '32MB', true)` });
      await tx.query({
        text: `declare changed no scroll cursor for ${changedText}`,
        values: [authority, since],
      });
      for (;;) {
        const rows = await tx.query<{ entry: Buffer }>({ text: `fetch ${entriesPerFetch} from changed` });
        if (rows.length > 0) yield Buffer.concat(rows.map(({ entry }) => entry));
        // It ends with the transaction, where whoever reads it does not go on to here.
        if (rows.length < entriesPerFetch) break;
      }
      await tx.query({ text: 'close changed' });
    },
  };
}
