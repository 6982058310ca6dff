import type { Database } from './database.ts';

export interface AuthorityRecord {
  /** DNS label; stands in URLs and rows. */
  readonly name: string;
  readonly certificate: Buffer;
  /** DER of the CAs above, next issuer first and the root last. */
  readonly chain: readonly Buffer[];
  /** Where the key is kept (`file:…`, `secret:…`): a reference, never the key. */
  readonly keyReference: string;
  readonly state: 'active' | 'retired';
  readonly createdAt: Date;
}

export interface AuthorityStore {
  /** Inserts, or leaves the row of that name as it is. @returns the row that stands, and whether it is this one */
  insertIfAbsent(record: AuthorityRecord): Promise<{ authority: AuthorityRecord; created: boolean }>;
  find(name: string): Promise<AuthorityRecord | undefined>;
  /** Oldest first. */
  list(): Promise<readonly AuthorityRecord[]>;
}

const select = `select name, certificate, chain, key_reference as "keyReference", state, created_at as "createdAt"
  from authorities`;

export function createAuthorityStore(db: Database): AuthorityStore {
  async function find(name: string): Promise<AuthorityRecord | undefined> {
    const [row] = await db.query<AuthorityRecord>({ text: `${select} where name = $1`, values: [name] });
    return row;
  }
  return {
    async insertIfAbsent(record) {
      const { name, certificate, chain, keyReference, state, createdAt } = record;
      const inserted = await db.query({
        text: `insert into authorities (name, certificate, chain, key_reference, state, created_at)
          values ($1, $2, $3::bytea[], $4, $5, $6) on conflict do nothing returning name`,
        values: [name, certificate, chain, keyReference, state, createdAt],
      });
      const authority = await find(name);
      if (authority === undefined) throw new Error(`The authority ${name} vanished while it was inserted`);
      return { authority, created: inserted.length > 0 };
    },
    find,
    list: () => db.query<AuthorityRecord>({ text: `${select} order by created_at, name` }),
  };
}
