-- How far the CRLs have outgrown the Secrets that carry them, and since when: one row, since every copy carries the CRLs of
-- all authorities. `full`: as they are. `compact`: without reason codes. `online`: Ingresses ask us instead. `returning`: the
-- CRLs fit again and go back, and Ingresses still ask us.
create table crl_budget (
  one boolean primary key default true check (one),
  stage text not null check (stage in ('full', 'compact', 'online', 'returning')),
  since timestamptz not null,
  -- Of the leader who decided it: one that was replaced decides no more.
  epoch bigint not null,
  -- Rises each time that a copy is to have its CRL: whoever looked before that takes no CRL away by what he saw.
  revision bigint not null default 0
);

-- Namespaces whose copy has no CRL, since every Ingress that names it is proven to ask us.
create table copies_without_crl (
  namespace text primary key,
  since timestamptz not null
);

-- What the copies would take day by day, for the forecast; a year of it is kept.
create table crl_sizes (
  day date primary key,
  entries integer not null,
  full_bytes bigint not null,
  compact_bytes bigint not null
);

-- What each copy holds: 'full', 'compact' or 'none'. Null: written by a program of before, so the full one.
alter table publications add column crl_form text check (crl_form in ('full', 'compact', 'none'));
