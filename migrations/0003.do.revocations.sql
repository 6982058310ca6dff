-- The revoked certificates only, each with its entry as the CRL carries it, so that building a CRL is reading bytes in
-- order. Bounded: an entry leaves the CRL one CRL after its certificate expired (in_crl = false), and the row goes with
-- its certificate in CertificateStore.deleteExpired.
--
-- first_crl is the number of the first CRL that lists the row. NULL marks what no CRL lists yet: transactions commit in
-- another order than they take numbers from a sequence, so "greater than the last one seen" would miss rows.
create table revocations (
  serial bytea primary key,
  certificate_id bigint not null unique references certificates (id),
  authority text not null,
  entry bytea not null,
  not_after timestamptz not null,
  revoked_at timestamptz not null,
  reason text not null,
  requester text not null,
  first_crl bigint,
  in_crl boolean not null default true
);
alter table revocations alter column entry set storage plain;

-- What a build reads, in the order it reads it; the entry is in the index, so that a million of them are read without
-- visiting the table once it is vacuumed.
create index revocations_crl on revocations (authority, serial) include (entry) where in_crl;
create index revocations_pending on revocations (authority) where first_crl is null;
create index revocations_leaving on revocations (authority, not_after) where in_crl and first_crl is not null;

-- The CRLs that were built; the last three of each authority are kept. Signatures do not compress, nor do serials.
create table crls (
  authority text not null,
  number bigint not null check (number > 0),
  this_update timestamptz not null,
  next_update timestamptz not null,
  entry_count integer not null,
  sha256 bytea not null check (octet_length(sha256) = 32),
  size_bytes integer not null,
  created_at timestamptz not null,
  der bytea not null,
  primary key (authority, number)
);
alter table crls alter column der set storage external;
