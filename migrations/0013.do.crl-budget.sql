-- How far an authority's CRL has outgrown its Secrets, and since when; one row per authority. `full`: as it is. `compact`:
-- without reason codes. `online`: Ingresses ask us instead, and where all of them do, the Secret has no CRL.
create table crl_budgets (
  authority text primary key,
  stage text not null check (stage in ('full', 'compact', 'online')),
  since timestamptz not null
);

-- The size of the CRL day by day, for the forecast; a year of it is kept.
create table crl_sizes (
  authority text not null,
  day date not null,
  entries integer not null,
  full_bytes bigint not null,
  compact_bytes bigint not null,
  primary key (authority, day)
);

-- What each copy holds: 'full', 'compact' or 'none'. Null: written by a program of before, so the full one.
alter table publications add column crl_form text check (crl_form in ('full', 'compact', 'none'));
