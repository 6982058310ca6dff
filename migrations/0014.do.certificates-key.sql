-- The certificates of one key: who is compromised has siblings.
create index certificates_spki on certificates (spki_sha256);

-- Those issued between two times. Rows lie about in the order in which they came, so it is enough to know of each stretch of
-- the table what lies in it; a tree of its own would make every issuance dearer.
create index certificates_created on certificates using brin (created_at);

-- What is on hold, to be looked through: few of very many.
create index revocations_held on revocations (certificate_id) where reason = 'certificateHold';
