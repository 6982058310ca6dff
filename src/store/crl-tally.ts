import type { Tally } from './crls.ts';
import type { Queryable } from './database.ts';

/**
 * Counts the entries that a query gives, from one end of its tables to the other, past every index: what an index has lost is
 * missing here.
 */
export async function tallyOf(tx: Queryable, text: string, values: readonly unknown[]): Promise<Tally> {
  await tx.query({ text: planBy({ table: true }) });
  const [row] = await tx.query<{ count: number; octets: string }>({
    text: `select count(*)::int as count, coalesce(sum(octet_length(entry)), 0) as octets from (${text}) as listed`,
    values,
  });
  await tx.query({ text: planBy({ table: false }) });
  return { count: row?.count ?? 0, octets: Number(row?.octets ?? 0) };
}

/**
 * The entries are read through their index also where the statistics are not up to date: sorting them anew for every page
 * costs minutes.
 */
export function planBy({ table }: { readonly table: boolean }): string {
  const [scan, index] = table ? ['on', 'off'] : ['off', 'on'];
  return `select set_config('enable_seqscan', '${scan}', true), set_config('enable_bitmapscan', 'off', true),
    set_config('enable_indexscan', '${index}', true), set_config('enable_indexonlyscan', '${index}', true)`;
}
