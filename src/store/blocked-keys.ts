import type { Database } from './database.ts';

export interface BlockedKeyStore {
  /**
   * One certificate, not expired at `now` and not revoked for good, of each key that was blocked at `since` or later; at most
   * `limit`. @returns serials, lower-case hex
   */
  findUnrevoked(since: Date, now: Date, limit: number): Promise<string[]>;
}

export function createBlockedKeyStore(db: Pick<Database, 'query'>): BlockedKeyStore {
  return {
    async findUnrevoked(since, now, limit) {
      const rows = await db.query<{ serial: string }>({
        name: 'blocked-keys-unrevoked',
        text: `select distinct on (b.spki_sha256) encode(c.serial, 'hex') as serial
          from blocked_keys b join certificates c using (spki_sha256) left join revocations r on r.serial = c.serial
          where b.blocked_at >= $1 and c.not_after > $2 and (r.serial is null or r.reason = 'certificateHold')
          order by b.spki_sha256 limit $3`,
        values: [since, now, limit],
      });
      return rows.map(({ serial }) => serial);
    },
  };
}
