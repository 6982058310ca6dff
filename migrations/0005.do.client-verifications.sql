-- Client verification as it is wanted, one row per Ingress; bounded by the Ingresses, and deleted when it is undone.
-- json, not jsonb, where the text is put back as it was: jsonb would reorder the members.
create table client_verifications (
  namespace text not null,
  name text not null,
  uid text not null,
  controller text not null,
  authority text not null,
  spec json not null,
  before json not null,
  written json not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  requester text not null,
  primary key (namespace, name)
);
