import type { Database, Queryable } from './database.ts';

/**
 * Deletes at most `limit` revocations without a certificate here, and as many released holds, of certificates that expired before
 * `before`; but never what a CRL still has to list. @returns how many, and the changes that they were of
 */
export async function deleteExpiredRevocations(
  tx: Queryable,
  before: Date,
  limit: number,
): Promise<{ count: number; changeIds: readonly string[] }> {
  const rows = await tx.query<{ change_id: string }>({
    text: `with revocation as (
        delete from revocations where serial in (
          select serial from revocations
          where certificate_id is null and not in_crl and not_after < $1 limit $2 for update skip locked)
        returning change_id
      ), release as (
        delete from hold_releases where (change_id, serial) in (
          select change_id, serial from hold_releases where not_after < $1 limit $2)
        returning change_id
      ) select change_id from revocation union all select change_id from release`,
    values: [before, limit],
  });
  return { count: rows.length, changeIds: rows.map((row) => row.change_id) };
}

/**
 * Of `revocation_changes ch`. A change is whole when it is seen, and gets no more rows: so one that is empty stays so, and who catches
 * up across its position misses nothing, whether it is there or not.
 */
const isEmptyText = `not exists (select from revocations r where r.change_id = ch.change_id)
  and not exists (select from hold_releases h where h.change_id = ch.change_id)`;

/** Of these changes, those that nothing is left of. In a later statement of the transaction than what they are left by. */
export async function deleteEmptyChanges(tx: Queryable, changeIds: readonly string[]): Promise<void> {
  await tx.query({
    text: `delete from revocation_changes ch where change_id = any($1::bigint[]) and ${isEmptyText}`,
    values: [changeIds],
  });
}

/**
 * Deletes at most `limit` changes whose rows have all got another one since: a hold was released or made final, or an import told more
 * of what stood. By the indexes, in the order of the changes: a second for a million. @returns how many
 */
export async function deleteSupersededChanges(db: Pick<Database, 'query'>, limit: number): Promise<number> {
  const rows = await db.query({
    text: `delete from revocation_changes where position in (
        select position from revocation_changes ch where ${isEmptyText} limit $1)
      returning 1`,
    values: [limit],
  });
  return rows.length;
}

/**
 * Deletes at most `limit` of the CRLs that lapsed before `before` from the history, but leaves the last of each hour: which has
 * what the others had. @returns how many
 */
export async function thinCrlHistory(
  db: Pick<Database, 'query'>,
  before: Date,
  limit: number,
): Promise<number> {
  const rows = await db.query({
    text: `delete from crl_history where (authority, number) in (
        select authority, number from (
          select authority, number, row_number() over (
            partition by authority, date_trunc('hour', this_update, 'UTC') order by number desc) as nth
          from crl_history where next_update < $1
        ) as lapsed where nth > 1 limit $2)
      returning 1`,
    values: [before, limit],
  });
  return rows.length;
}
