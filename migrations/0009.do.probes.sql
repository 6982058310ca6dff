-- What the door of each enforced Ingress did when it was last tried; one row per Ingress, gone with its record.
create table probes (
  namespace text not null,
  name text not null,
  verdict text not null check (verdict in ('confirmed', 'contradicted', 'inconclusive')),
  probed_at timestamptz not null,
  -- updated_at of the record that the door was held against.
  record_updated_at timestamptz not null,
  report json not null,
  -- When it was last tried, by the database's clock; later than the report when that try told nothing.
  tried_at timestamptz not null default now(),
  primary key (namespace, name),
  foreign key (namespace, name) references client_verifications (namespace, name) on delete cascade
);
