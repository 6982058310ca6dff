-- Every certificate that was issued, written before it is delivered. Grows with issuance (about 2 kB a row with its
-- indexes); bounded by CertificateStore.deleteExpired, which takes what expired longer ago than the retention.
--
-- `id` gives the pages of a search a stable order. No foreign key to authorities: it would take a row lock on the one
-- authority in every insert, and the service signs only for authorities that it has read from there.
create table certificates (
  id bigint generated always as identity,
  serial bytea primary key,
  authority text not null,
  profile text not null,
  subject text not null,
  common_name text,
  sans text[] not null,
  not_before timestamptz not null,
  not_after timestamptz not null,
  requester text not null,
  spki_sha256 bytea not null check (octet_length(spki_sha256) = 32),
  fingerprint bytea not null check (octet_length(fingerprint) = 32),
  metadata jsonb not null,
  created_at timestamptz not null,
  idempotency_key text,
  request_hash bytea,
  der bytea not null,
  check ((idempotency_key is null) = (request_hash is null))
);

-- One index per search. text_pattern_ops serves prefixes whatever the collation of the database; left() keeps a long
-- name below the size that an index can hold.
create unique index certificates_id on certificates (id);
create index certificates_common_name on certificates (lower(left(common_name, 256)) text_pattern_ops);
create index certificates_subject on certificates (lower(left(subject, 256)) text_pattern_ops);
create index certificates_sans on certificates using gin (sans);
create index certificates_profile on certificates (profile, id);
create index certificates_requester on certificates (requester, id);
create index certificates_authority on certificates (authority, id);
create index certificates_expiry on certificates (not_after, id);
create index certificates_authority_expiry on certificates (authority, not_after);

-- Idempotency-Key: one certificate per requester and key, for as long as the certificate is kept.
create unique index certificates_idempotency on certificates (requester, idempotency_key)
  where idempotency_key is not null;

-- Keys reported as compromised: no CSR with one of them is signed again. Grows by one row per compromised key and is
-- kept for ever on purpose: a key does not become secret again.
create table blocked_keys (
  spki_sha256 bytea primary key check (octet_length(spki_sha256) = 32),
  serial bytea not null,
  blocked_at timestamptz not null
);
