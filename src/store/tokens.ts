import type { Grant } from '../access/caller.ts';
import type { TokenRecord, TokenStore } from '../access/token-store.ts';
import type { Database } from './database.ts';

interface TokenRow {
  readonly id: string;
  readonly name: string;
  readonly secret_sha256: Buffer;
  readonly grants: Grant[];
  readonly created_at: Date;
  readonly created_by: string;
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
}

const select =
  'select id, name, secret_sha256, grants, created_at, created_by, expires_at, revoked_at from tokens';

/** The parameter is the new token's time; what has been dead for a year then goes. */
const insertText = `
with old as (
  delete from tokens where least(expires_at, revoked_at) < $5::timestamptz - interval '1 year'
)
insert into tokens (id, name, secret_sha256, grants, created_at, created_by, expires_at)
values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing returning id`;

/**
 * One statement, so that of two administrators that are revoked at once the second sees the first gone: each revocation locks
 * the lasting administrators' rows in the same order, and a row that waited is read again after the other's commit.
 */
const revokeText = `
with lasting as materialized (
  select id from tokens
  where grants @> '[{"role": "admin"}]' and revoked_at is null and expires_at is null
  order by id for update
)
update tokens set revoked_at = coalesce(revoked_at, $2)
where id = $1 and (
  not $3::boolean
  or revoked_at is not null
  or expires_at <= $2
  or not grants @> '[{"role": "admin"}]'
  or exists (select from lasting where lasting.id <> tokens.id)
)
returning id`;

export function createTokenStore(db: Database): TokenStore {
  return {
    async insert(record) {
      const { id, name, secretSha256, grants, createdAt, createdBy, expiresAt } = record;
      const inserted = await db.query({
        text: insertText,
        values: [id, name, secretSha256, JSON.stringify(grants), createdAt, createdBy, expiresAt ?? null],
      });
      return inserted.length > 0;
    },
    async findById(id) {
      const [row] = await db.query<TokenRow>({
        name: 'tokens-by-id',
        text: `${select} where id = $1`,
        values: [id],
      });
      return row === undefined ? undefined : tokenOf(row);
    },
    async list() {
      const rows = await db.query<TokenRow>({ text: `${select} order by created_at, id` });
      return rows.map(tokenOf);
    },
    async revoke(id, at, { keepAdministrator }) {
      const rows = await db.query({ text: revokeText, values: [id, at, keepAdministrator] });
      return rows.length > 0;
    },
  };
}

function tokenOf(row: TokenRow): TokenRecord {
  return {
    id: row.id,
    name: row.name,
    secretSha256: row.secret_sha256,
    grants: row.grants,
    createdAt: row.created_at,
    createdBy: row.created_by,
    ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
    ...(row.revoked_at === null ? {} : { revokedAt: row.revoked_at }),
  };
}
