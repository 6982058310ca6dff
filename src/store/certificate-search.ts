import { addFilter, Conditions } from './certificate-filter.ts';
import { type CertificateRow, certificateColumns, certificateOf } from './certificate-row.ts';
import type { CertificateFilter, CertificatePage } from './certificates.ts';
import type { Database } from './database.ts';
import { decodeCursor, encodeCursor, type PageCursor } from './page-cursor.ts';

/** Every filter has its index, and a page begins where the last one ended, so page 1,000 costs what page 1 costs. */
export async function searchCertificates(
  db: Database,
  filter: CertificateFilter,
  page: { readonly limit: number; readonly cursor?: string },
  now: Date,
): Promise<CertificatePage> {
  const byExpiry =
    filter.expiresBefore !== undefined || filter.expiresAfter !== undefined || filter.state === 'expired';
  const order = byExpiry ? 'expiry' : 'newest';
  // Only the revoked ones: their table is the small one, so the pages follow its index.
  const onlyRevoked = filter.state === 'revoked' || filter.reason !== undefined;
  const id = onlyRevoked ? 'r.certificate_id' : 'c.id';
  const conditions = new Conditions();
  addFilter(conditions, filter, now);
  if (page.cursor !== undefined) addCursor(conditions, decodeCursor(page.cursor, order), id);
  const rows = await db.query<CertificateRow>({
    text: `select ${certificateColumns}
      from certificates c ${onlyRevoked ? 'join' : 'left join'} revocations r on r.certificate_id = c.id
      ${conditions.where()}
      order by ${byExpiry ? 'c.not_after, c.id' : `${id} desc`}
      limit ${Math.trunc(page.limit) + 1}`,
    values: conditions.values,
  });
  const shown = rows.slice(0, page.limit);
  const last = shown.at(-1);
  return {
    items: shown.map(certificateOf),
    ...(rows.length > shown.length && last !== undefined
      ? { nextCursor: encodeCursor({ order, id: last.id, notAfter: last.not_after }) }
      : {}),
  };
}

function addCursor(conditions: Conditions, cursor: PageCursor, id: string): void {
  if (cursor.order === 'newest') conditions.add(`${id} < $1`, cursor.id);
  else conditions.add('(c.not_after, c.id) > ($1, $2)', cursor.notAfter, cursor.id);
}
