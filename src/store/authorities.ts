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

export declare function createAuthorityStore(db: Database): AuthorityStore;
