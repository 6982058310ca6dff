-- The certification authorities. A handful of rows, made by hand: bounded by nature.
-- Never a private key: key_reference says where the key is kept.
create table authorities (
  name text primary key,
  certificate bytea not null,
  chain bytea[] not null,
  key_reference text not null,
  state text not null default 'active' check (state in ('active', 'retired')),
  created_at timestamptz not null
);
