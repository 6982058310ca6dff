-- Keys of the service's own that every replica has to have the same of, made at random by the first one. Not a CA's.
create table service_keys (
  name text primary key,
  key bytea not null check (octet_length(key) >= 32),
  created_at timestamptz not null
);
