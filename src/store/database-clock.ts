import type { Queryable } from './database.ts';

/** The time of day by the database's own clock, at this moment, also in the middle of a transaction. */
export async function readClock(db: Queryable): Promise<Date> {
  const [row] = await db.query<{ now: Date }>({ text: 'select clock_timestamp() as now' });
  if (row === undefined) throw new Error('The database did not tell the time');
  return row.now;
}
