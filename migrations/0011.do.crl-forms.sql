-- Other forms of the same CRL, made with it: without reason codes, for a Secret that would be full otherwise (null while the
-- complete one is small or even this one too large), and what has changed since an older one (null when deltas are off).
alter table crls
  add column compact bytea,
  add column delta bytea,
  add column delta_base bigint;
alter table crls alter column compact set storage external;
alter table crls alter column delta set storage external;
