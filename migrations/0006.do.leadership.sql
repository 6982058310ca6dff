-- Who leads: the one replica that builds CRLs, publishes and reconciles. The epoch numbers the terms and is the fence: a
-- transaction that writes a CRL locks this row FOR SHARE and looks whether its epoch is still the newest. So the row changes
-- only with the leader, and what changes with every renewal lies beside it: under REPEATABLE READ a row that changed since
-- the snapshot cannot be locked.
create table leadership (
  name text primary key,
  epoch bigint not null check (epoch > 0),
  -- Null: given up, so that anybody may claim it.
  holder text
);

create table leadership_renewals (
  name text primary key references leadership (name),
  -- By the database's clock. Replicas only look whether it changes.
  renewed_at timestamptz not null,
  -- How long the holder may go without renewing.
  lease_ms integer not null check (lease_ms > 0)
);
