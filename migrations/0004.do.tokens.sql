-- API tokens: the SHA-256 of the secret, never the secret. Made by hand, few; a token that was revoked or expired more
-- than a year ago goes when the next one is made.
create table tokens (
  id text primary key,
  name text not null,
  secret_sha256 bytea not null check (octet_length(secret_sha256) = 32),
  grants jsonb not null,
  created_at timestamptz not null,
  created_by text not null,
  expires_at timestamptz,
  revoked_at timestamptz
);
