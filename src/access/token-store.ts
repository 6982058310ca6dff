import type { Grant } from './caller.ts';

/** A token as it is kept: never the secret, only its SHA-256. */
export interface TokenRecord {
  readonly id: string;
  readonly name: string;
  /** SHA-256 of the ASCII text of the secret, 32 octets. */
  readonly secretSha256: Buffer;
  readonly grants: readonly Grant[];
  readonly createdAt: Date;
  /** The caller id of who made it, or `first-start`. */
  readonly createdBy: string;
  readonly expiresAt?: Date;
  readonly revokedAt?: Date;
}

/** What access needs of the store. */
export interface TokenStore {
  /** @returns false when the id exists already (nothing is changed then) */
  insert(record: TokenRecord): Promise<boolean>;
  findById(id: string): Promise<TokenRecord | undefined>;
  /** Every token, revoked and expired ones included, oldest first. */
  list(): Promise<readonly TokenRecord[]>;
  /**
   * Marks the token as revoked for ever; idempotent. With `keepAdministrator` a live administrator's token goes only while
   * another administrator's stays that does not expire, whatever is revoked at the same moment.
   * @returns false when there is no such token, or it has to stay
   */
  revoke(id: string, at: Date, options: { readonly keepAdministrator: boolean }): Promise<boolean>;
}
