-- What is known of each copy in the cluster, one row per copy, kept by the replica that leads and read by all.
create table publications (
  target text primary key,
  state text not null,
  why text[] not null,
  crl_number numeric(49),
  ca_fingerprints text[] not null,
  written_at timestamptz,
  size_bytes integer,
  limit_bytes integer,
  error text,
  waiting_for text,
  -- The term of who wrote the row: what comes late from a replica that no longer leads is passed over.
  epoch bigint not null,
  updated_at timestamptz not null default now()
);
