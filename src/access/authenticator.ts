import { timingSafeEqual } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Caller } from './caller.ts';
import type { TokenRecord, TokenStore } from './token-store.ts';
import { parseToken, sha256 } from './token-text.ts';

/** Turns the credential of a request into a caller. */
export interface Authenticator {
  /**
   * @param token what follows `Bearer `
   * @returns undefined for whatever is wrong with it; the caller must not learn what
   * @throws Fault `database-unavailable`
   */
  authenticate(token: string): Promise<Caller | undefined>;
  /** Drops what is remembered of a token, at once. */
  forget(tokenId: string): void;
}

export interface AuthenticatorOptions {
  readonly store: Pick<TokenStore, 'findById'>;
  readonly clock: Clock;
  /** The configured `ADMIN_TOKEN`, if any: it is an administrator besides the tokens of the store. */
  readonly adminToken?: string;
  /** How long a record is believed without asking the store: the most that a revocation elsewhere can be late. */
  readonly cacheMilliseconds?: number;
  readonly cacheSize?: number;
}

const adminCaller: Caller = { id: 'admin-token', name: 'ADMIN_TOKEN', grants: [{ role: 'admin' }] };
/** Compared with when there is no such token, so that this takes the same path as a wrong secret. */
const nobody = Buffer.alloc(32);

interface Remembered {
  readonly record: TokenRecord;
  readonly caller: Caller;
  readonly until: number;
}

/**
 * Checks tokens against the store. Found records are remembered for at most `cacheMilliseconds` (5 s), unknown ids
 * never: guessing cannot fill the memory. The secret is compared on every request, in constant time.
 */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { store, clock, cacheMilliseconds = 5_000, cacheSize = 1_000 } = options;
  const adminSha256 = options.adminToken === undefined ? undefined : sha256(options.adminToken);
  const cache = new Map<string, Remembered>();
  /** Counts `forget`: a record read before a revocation must not be remembered after it. */
  let forgotten = 0;

  async function lookUp(id: string): Promise<Remembered | undefined> {
    const now = clock.now();
    const known = cache.get(id);
    if (known !== undefined && now < known.until) return known;
    const before = forgotten;
    const record = await store.findById(id);
    cache.delete(id);
    if (record === undefined) return undefined;
    const fresh = { record, caller: callerOf(record), until: now + cacheMilliseconds };
    if (forgotten === before) remember(id, fresh);
    return fresh;
  }

  function remember(id: string, entry: Remembered): void {
    const oldest = cache.size >= cacheSize ? cache.keys().next().value : undefined;
    if (oldest !== undefined) cache.delete(oldest);
    cache.set(id, entry);
  }

  return {
    async authenticate(token) {
      if (adminSha256 !== undefined && timingSafeEqual(sha256(token), adminSha256)) return adminCaller;
      const parsed = parseToken(token);
      if (parsed === undefined) return undefined;
      const found = await lookUp(parsed.id);
      const matches = timingSafeEqual(sha256(parsed.secret), found?.record.secretSha256 ?? nobody);
      return found !== undefined && matches && isLive(found.record, clock.now()) ? found.caller : undefined;
    },
    forget(tokenId) {
      forgotten += 1;
      cache.delete(tokenId);
    },
  };
}

/** Neither revoked nor expired. */
export function isLive(record: TokenRecord, now: number): boolean {
  return (
    record.revokedAt === undefined && (record.expiresAt === undefined || now < record.expiresAt.getTime())
  );
}

function callerOf(record: TokenRecord): Caller {
  return { id: `token:${record.id}`, name: record.name, grants: record.grants };
}
