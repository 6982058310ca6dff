import type { TokenRecord, TokenStore } from '../../src/access/token-store.ts';

/** A token store for tests that are about something else; the real one has tests of its own. */
export class MemoryTokenStore implements TokenStore {
  readonly records = new Map<string, TokenRecord>();
  /** How often a record was looked up. */
  lookups = 0;

  async insert(record: TokenRecord): Promise<boolean> {
    if (this.records.has(record.id)) return false;
    this.records.set(record.id, record);
    return true;
  }

  async findById(id: string): Promise<TokenRecord | undefined> {
    this.lookups += 1;
    return this.records.get(id);
  }

  async list(): Promise<readonly TokenRecord[]> {
    return [...this.records.values()];
  }

  async revoke(
    id: string,
    at: Date,
    { keepAdministrator }: { readonly keepAdministrator: boolean },
  ): Promise<boolean> {
    const record = this.records.get(id);
    if (record === undefined) return false;
    const isAdmin = ({ grants }: TokenRecord) => grants.some(({ role }) => role === 'admin');
    const isLive =
      record.revokedAt === undefined && (record.expiresAt === undefined || record.expiresAt > at);
    const others = [...this.records.values()].filter((other) => other.id !== id && isAdmin(other));
    const lasts = others.some((other) => other.revokedAt === undefined && other.expiresAt === undefined);
    if (keepAdministrator && isLive && isAdmin(record) && !lasts) return false;
    if (record.revokedAt === undefined) this.records.set(id, { ...record, revokedAt: at });
    return true;
  }
}
