import { Fault } from '../fault.ts';
import { type CertificateRow, certificateColumns, certificateOf } from './certificate-row.ts';
import type { CertificateFilter, CertificatePage } from './certificates.ts';
import type { Database } from './database.ts';
import { decodeCursor, encodeCursor, type PageCursor } from './page-cursor.ts';

/** What the indexes on names hold of them. */
const longestPrefix = 256;

/** The WHERE clause under construction; every value is a parameter. */
class Conditions {
  readonly texts: string[] = [];
  readonly values: unknown[] = [];

  /** `$1`, `$2` in the text stand for the values given with it, wherever they end up in the statement. */
  add(text: string, ...values: readonly (string | Date | readonly string[])[]): void {
    const before = this.values.length;
    this.values.push(...values);
    this.texts.push(text.replace(/\$(\d)/g, (_, number) => `$${before + Number(number)}`));
  }

  where(): string {
    return this.texts.length === 0 ? '' : `where ${this.texts.join(' and ')}`;
  }
}

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
  const id = filter.state === 'revoked' ? 'r.certificate_id' : 'c.id';
  const conditions = new Conditions();
  addFilter(conditions, filter, now);
  if (page.cursor !== undefined) addCursor(conditions, decodeCursor(page.cursor, order), id);
  const rows = await db.query<CertificateRow>({
    text: `select ${certificateColumns}
      from certificates c ${filter.state === 'revoked' ? 'join' : 'left join'} revocations r on r.certificate_id = c.id
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

function addFilter(conditions: Conditions, filter: CertificateFilter, now: Date): void {
  for (const [field, value] of Object.entries(filter)) {
    // Text in PostgreSQL cannot hold it, so nothing has it.
    if (typeof value === 'string' && value.includes('\0')) {
      throw new Fault('request-invalid', `${field} holds a NUL character`, { field });
    }
  }
  if (filter.subject !== undefined) addSubject(conditions, filter.subject);
  if (filter.san !== undefined) conditions.add('c.sans && $1::text[]', spellings(filter.san));
  if (filter.profile !== undefined) conditions.add('c.profile = $1', filter.profile);
  if (filter.authority !== undefined) conditions.add('c.authority = $1', filter.authority);
  if (filter.requester !== undefined) conditions.add('c.requester = $1', filter.requester);
  if (filter.expiresBefore !== undefined) conditions.add('c.not_after < $1', filter.expiresBefore);
  if (filter.expiresAfter !== undefined) conditions.add('c.not_after >= $1', filter.expiresAfter);
  if (filter.state === 'valid') conditions.add('c.not_after > $1 and r.certificate_id is null', now);
  if (filter.state === 'expired') conditions.add('c.not_after <= $1 and r.certificate_id is null', now);
}

function addSubject(conditions: Conditions, prefix: string): void {
  if (prefix.length > longestPrefix) {
    throw new Fault('request-invalid', `The subject is longer than ${longestPrefix} characters`, {
      field: 'subject',
    });
  }
  const pattern = `${prefix.replace(/[\\%_]/g, '\\$&')}%`;
  const begins = (column: string): string => `lower(left(${column}, ${longestPrefix})) like lower($1)`;
  conditions.add(`(${begins('c.common_name')} or ${begins('c.subject')})`, pattern);
}

const sanKinds = ['dns', 'ip', 'email', 'uri'];

/** As the name is stored: with its kind (any of them when none is given), host names in lower case. */
function spellings(san: string): string[] {
  const kind = /^(dns|ip|email|uri|directoryName|otherName|registeredID):/i.exec(san)?.[1];
  if (kind === undefined)
    return sanKinds.map((each) => `${each}:${each === 'dns' ? san.toLowerCase() : san}`);
  return [kind.toLowerCase() === 'dns' ? san.toLowerCase() : san];
}

function addCursor(conditions: Conditions, cursor: PageCursor, id: string): void {
  if (cursor.order === 'newest') conditions.add(`${id} < $1`, cursor.id);
  else conditions.add('(c.not_after, c.id) > ($1, $2)', cursor.notAfter, cursor.id);
}
