-- The certificates of one key: who is compromised has siblings.
create index certificates_spki on certificates (spki_sha256);
