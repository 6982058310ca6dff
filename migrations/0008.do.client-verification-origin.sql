-- Where a wish comes from (a call, or the Ingress's own annotation), and what hindered the last attempt to carry it out:
-- [{"code", "detail"}, …], empty when nothing did. A program of before this migration goes on as it did.
alter table client_verifications
  add column origin text not null default 'api' check (origin in ('api', 'annotation')),
  add column trouble json not null default '[]';
