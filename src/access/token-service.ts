import type { Clock } from '../clock.ts';
import { Fault } from '../fault.ts';
import type { Authenticator } from './authenticator.ts';
import type { Caller, Grant } from './caller.ts';
import type { TokenRecord, TokenStore } from './token-store.ts';
import { formatToken, newToken, sha256 } from './token-text.ts';

export interface NewToken {
  readonly name: string;
  readonly grants: readonly Grant[];
  /** Must lie in the future; absent: the token does not expire. */
  readonly expiresAt?: Date;
}

/** Tokens made, listed and revoked by an administrator. */
export interface TokenService {
  /**
   * The text of the token is in this answer and nowhere else. Whoever may call this is an administrator and has
   * every permission, so no token can allow more than its maker may do.
   * @throws Fault `request-invalid`, `database-unavailable`
   */
  create(wish: NewToken, maker: Caller): Promise<{ readonly record: TokenRecord; readonly token: string }>;
  /** Every token, revoked and expired ones included, oldest first. */
  list(): Promise<readonly TokenRecord[]>;
  /** @throws Fault `token-not-found` */
  find(id: string): Promise<TokenRecord>;
  /**
   * Revokes for ever; idempotent. In this process it holds at once, in others within the authenticator's 5 s.
   * @throws Fault `token-not-found`, `conflict` when no other administrator has a token that does not expire
   */
  revoke(id: string): Promise<void>;
}

export interface TokenServiceOptions {
  readonly store: TokenStore;
  readonly clock: Clock;
  readonly authenticator: Pick<Authenticator, 'forget'>;
  /** Whether `ADMIN_TOKEN` is set: then the last administrator's token may go. */
  readonly adminTokenConfigured: boolean;
}

export function createTokenService(options: TokenServiceOptions): TokenService {
  const { store, clock, authenticator } = options;

  async function find(id: string): Promise<TokenRecord> {
    const record = await store.findById(id);
    if (record === undefined) throw new Fault('token-not-found', 'There is no token with this id.');
    return record;
  }

  return {
    find,
    list: () => store.list(),
    async create(wish, maker) {
      const createdAt = new Date(clock.now());
      if (wish.expiresAt !== undefined && wish.expiresAt <= createdAt)
        throw new Fault('request-invalid', 'The expiry lies in the past.', { field: '/expiresAt' });
      const token = newToken();
      const record = {
        id: token.id,
        name: wish.name,
        secretSha256: sha256(token.secret),
        grants: wish.grants,
        createdAt,
        createdBy: maker.id,
        ...(wish.expiresAt === undefined ? {} : { expiresAt: wish.expiresAt }),
      };
      if (!(await store.insert(record)))
        throw new Fault('conflict', 'The id of the new token is taken; try again.');
      return { record, token: formatToken(token) };
    },
    async revoke(id) {
      await find(id);
      const keepAdministrator = !options.adminTokenConfigured;
      if (!(await store.revoke(id, new Date(clock.now()), { keepAdministrator })))
        throw new Fault(
          'conflict',
          'No other administrator has a token that does not expire. Make one first, or set ADMIN_TOKEN.',
        );
      authenticator.forget(id);
    },
  };
}
