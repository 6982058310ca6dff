-- What the watchdog saw last at each place where the CRL or the CA certificates are published: one row per place, by
-- whichever replica looked there, and read by all.
create table published_places (
  place text primary key,
  finding text not null,
  detail text,
  crl_number numeric(49),
  next_update timestamptz,
  seen_at timestamptz not null
);
