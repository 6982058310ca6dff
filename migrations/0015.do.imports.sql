-- What another program has numbered its CRLs up to, by an import: ours stay above, or relying parties would keep the older one.
create table crl_number_floors (
  authority text primary key,
  number bigint not null check (number > 0)
);

-- The files of CA_IMPORT_… that were imported to their end, by what they hold: each is imported once. One small row per file
-- that an operator names.
create table imported_files (
  authority text not null,
  kind text not null check (kind in ('certificates', 'index', 'crl')),
  sha256 bytea not null check (octet_length(sha256) = 32),
  imported_at timestamptz not null,
  report json not null,
  primary key (authority, kind, sha256)
);
