import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Queryable } from './database.ts';

const keyOctets = 32;

/**
 * The key of that name: made at random by whoever asks first, the same for every replica from then on. Not a CA's.
 * @throws Fault database-unavailable
 */
export async function serviceKey(db: Queryable, clock: Clock, name: string): Promise<Buffer> {
  return (await find(db, name)) ?? (await make(db, clock, name));
}

async function find(db: Queryable, name: string): Promise<Buffer | undefined> {
  const [row] = await db.query<{ key: Buffer }>({
    text: 'select key from service_keys where name = $1',
    values: [name],
  });
  return row?.key;
}

async function make(db: Queryable, clock: Clock, name: string): Promise<Buffer> {
  await db.query({
    text: 'insert into service_keys (name, key, created_at) values ($1, $2, $3) on conflict do nothing',
    values: [name, randomBytes(keyOctets), new Date(clock.now())],
  });
  // Another replica may have been first: what counts is what is there.
  const key = await find(db, name);
  if (key === undefined) throw new Error(`The key ${name} was not kept`);
  return key;
}
