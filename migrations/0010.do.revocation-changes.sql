-- Which revocations came before which CRL, and what a replica has not seen yet, both without marking rows and without missing
-- one. Numbers of a sequence are taken in another order than transactions commit; a position is not: the last thing that a
-- transaction does is to take it from revocation_head, and whoever comes next waits there for its commit. So whoever has
-- read the head at position n has seen every change up to n, and none above.
create table revocation_head (
  one boolean primary key default true check (one),
  position bigint not null
);

-- One row per transaction that changed revocations: the rows carry the change_id, which can be had at any time.
-- Bounded as the revocations are: a change goes with the last expired row of it (CertificateStore.deleteExpired). One that
-- nothing is left of does no harm.
create sequence revocation_change_ids;
create table revocation_changes (
  position bigint primary key,
  change_id bigint not null unique
);

alter table revocations add column change_id bigint;

-- What stands in the same CRL for the first time has the same position; what is in none yet comes last.
update revocations set change_id = rank from (
  select serial, dense_rank() over (order by first_crl nulls last) as rank from revocations
) as ranked where ranked.serial = revocations.serial;
insert into revocation_changes (position, change_id)
  select distinct change_id, change_id from revocations;
insert into revocation_head (position) select coalesce(max(position), 0) from revocation_changes;
select setval('revocation_change_ids', coalesce(max(position), 0) + 1) from revocation_changes;
alter table revocations alter column change_id set not null;

-- What no CRL ever lists (in_crl = false from the start: a probe's, which only online answers refuse) has no entry.
alter table revocations add constraint revocations_entry check (octet_length(entry) > 0 or not in_crl);

-- Revocations of certificates that only somebody else's list knows (imports) have no certificate here.
alter table revocations alter column certificate_id drop not null;
create index revocations_foreign on revocations (not_after) where certificate_id is null;

-- A program of before this migration, in a rolling update, does not know of changes: its rows get one by themselves. Nor does
-- it lose anything: first_crl stays for it, unused by this program.
create function revocations_of_before() returns trigger language plpgsql as $$
declare
  at bigint;
begin
  if new.change_id is null then
    new.change_id := nextval('revocation_change_ids');
    update revocation_head set position = position + 1 returning position into at;
    insert into revocation_changes (position, change_id) values (at, new.change_id);
  end if;
  return new;
end $$;
create trigger revocations_of_before before insert on revocations
  for each row execute function revocations_of_before();

-- A certificate on hold that was released: no longer revoked, which a delta CRL has to say (removeFromCRL, RFC 5280 5.2.4)
-- and every replica has to hear. Made by hand, few; they go with the certificate.
create table hold_releases (
  change_id bigint not null,
  serial bytea not null,
  authority text not null,
  -- The entry of a delta CRL, with the reason removeFromCRL.
  entry bytea not null,
  not_after timestamptz not null,
  held_at timestamptz not null,
  held_by text not null,
  released_at timestamptz not null,
  requester text not null,
  primary key (change_id, serial)
);
create index hold_releases_serial on hold_releases (serial);

drop index revocations_pending;
drop index revocations_leaving;
create index revocations_change on revocations (change_id, serial);
create index revocations_leaving on revocations (authority, not_after) where in_crl;

-- Up to which position a CRL tells of revocations. Of a program of before: none, so that the next one is built at once.
alter table crls add column position bigint not null default 0;

-- Every CRL that there was, without its bytes: which was the first to list a revocation, and which one a delta may build
-- upon. One small row per CRL; of those that lapsed long ago only the last of each hour stays (thinCrlHistory).
create table crl_history (
  authority text not null,
  number bigint not null,
  position bigint not null,
  this_update timestamptz not null,
  next_update timestamptz not null,
  primary key (authority, number)
);
create index crl_history_position on crl_history (authority, position, number);
insert into crl_history (authority, number, position, this_update, next_update)
  select r.authority, r.first_crl, max(r.change_id), coalesce(min(c.this_update), min(r.revoked_at)),
    coalesce(min(c.next_update), min(r.revoked_at))
  from revocations r left join crls c on c.authority = r.authority and c.number = r.first_crl
  where r.first_crl is not null group by r.authority, r.first_crl;
