import { type CertificateRow, certificateColumns, certificateOf } from './certificate-row.ts';
import type { CertificateStore } from './certificates.ts';
import type { Database } from './database.ts';
import { deleteEmptyChanges, deleteExpiredRevocations } from './revocation-changes-retention.ts';
import { octetsOfSerial } from './serial.ts';

type CertificateReader = Pick<
  CertificateStore,
  'findBySerial' | 'findByIdempotencyKey' | 'countExpiring' | 'deleteExpired'
>;

type FullRow = CertificateRow & { readonly der: Buffer };

const selectFull = `select ${certificateColumns}, c.der
  from certificates c left join revocations r on r.certificate_id = c.id`;

const deleteText = `
with old as materialized (
  select id from certificates c
  where not_after < $1
    and not exists (select from revocations r where r.certificate_id = c.id and r.in_crl)
  order by not_after, id limit $2 for update skip locked
), revocation as (
  delete from revocations r using old where r.certificate_id = old.id returning r.change_id
), certificate as (
  delete from certificates c using old where c.id = old.id returning c.id
)
select (select count(*)::int from certificate) as count, array(select change_id::text from revocation) as changes`;

/** What goes leaves nothing behind: neither revocations of certificates that are not ours nor changes without rows. */
async function deleteExpired(db: Database, before: Date, limit: number): Promise<number> {
  return await db.transaction(async (tx) => {
    const [row] = await tx.query<{ count: number; changes: string[] }>({
      text: deleteText,
      values: [before, limit],
    });
    const others = await deleteExpiredRevocations(tx, before, limit);
    await deleteEmptyChanges(tx, [...(row?.changes ?? []), ...others.changeIds]);
    return (row?.count ?? 0) + others.count;
  });
}

export function createCertificateReader(db: Database): CertificateReader {
  return {
    async findBySerial(serial) {
      const octets = octetsOfSerial(serial);
      if (octets === undefined) return undefined;
      const [row] = await db.query<FullRow>({
        name: 'certificates-by-serial',
        text: `${selectFull} where c.serial = $1`,
        values: [octets],
      });
      return row === undefined ? undefined : { ...certificateOf(row), der: row.der };
    },

    async findByIdempotencyKey(requester, key) {
      const [row] = await db.query<FullRow>({
        name: 'certificates-by-idempotency-key',
        text: `${selectFull} where c.requester = $1 and c.idempotency_key = $2`,
        values: [requester, key],
      });
      if (row === undefined || row.request_hash === null) return undefined;
      return { ...certificateOf(row), der: row.der, requestHash: row.request_hash };
    },

    async countExpiring(authority, from, to, exceptProfiles = []) {
      const [row] = await db.query<{ count: number }>({
        name: 'certificates-count-expiring',
        text: `select count(*)::int as count from certificates c
          where authority = $1 and not_after >= $2 and not_after < $3 and profile <> all($4::text[])
            and not exists (select from revocations r where r.certificate_id = c.id)`,
        values: [authority, from, to, exceptProfiles],
      });
      return row?.count ?? 0;
    },

    deleteExpired: (before, limit) => deleteExpired(db, before, limit),
  };
}
