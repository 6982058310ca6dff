import type { RevocationReason } from '../x509/revocation-reason.ts';
import { addFilter, Conditions } from './certificate-filter.ts';
import type { CertificateFilter } from './certificates.ts';
import type { Queryable } from './database.ts';

/** The certificates that are meant: those that match the filter and have not expired. */
export interface BulkSelection {
  readonly filter: Omit<CertificateFilter, 'state' | 'reason'>;
  /** Also every other unexpired certificate of the same keys. */
  readonly withSameKeys: boolean;
  /**
   * This one in any case, although it may have expired, and whatever it was revoked for before. Lower-case hex.
   * The others are left as they are once they are revoked for good.
   */
  readonly serial?: string;
  /** A hold is not for good, unless this is another one. */
  readonly reason: RevocationReason;
  readonly now: Date;
}

export interface BulkCounts {
  /** How many there are, revoked or not. */
  readonly matched: number;
  /** How many of them nothing has to be done to. */
  readonly alreadyRevoked: number;
}

export interface SelectedCertificate {
  readonly serial: string;
  readonly id: bigint;
  readonly authority: string;
  readonly notAfter: Date;
  /** To be revoked, or its hold to be made final. */
  readonly open: boolean;
}

export interface SelectedPage extends BulkCounts {
  readonly rows: readonly SelectedCertificate[];
}

interface SelectedRow {
  readonly serial: string;
  readonly id: string;
  readonly authority: string;
  readonly not_after: Date;
  readonly open: boolean;
  readonly matched: number;
  readonly open_count: number;
}

/**
 * One cursor, hence one moment: the counts and all pages are of the same rows, in ascending order of the serials. At least one
 * page; it is empty when nothing matches.
 */
export async function* selectPages(
  tx: Queryable,
  selection: BulkSelection,
  pageRows: number,
): AsyncGenerator<SelectedPage, undefined> {
  const conditions = new Conditions();
  const matching = addSelection(conditions, selection);
  const open = openness(conditions, selection);
  // Enough for the sort of 100,000 rows; more of them go by way of the disk.
  await tx.query({ text: `select set_config('work_mem', '32MB', true)` });
  await tx.query({
    text: `declare selected no scroll cursor for
      select encode(serial, 'hex') as serial, id::text, authority, not_after, open,
        count(*) over ()::int as matched, count(*) filter (where open) over ()::int as open_count
      from (select c.serial, c.id, c.authority, c.not_after, ${open} as open from ${tables} where ${matching}) as chosen
      order by chosen.serial`,
    values: conditions.values,
  });
  let counts: BulkCounts | undefined;
  for (;;) {
    const rows = await tx.query<SelectedRow>({ text: `fetch ${Math.trunc(pageRows)} from selected` });
    counts ??= countsOf(rows[0]);
    if (rows.length > 0 || counts.matched === 0) yield { ...counts, rows: rows.map(selectedOf) };
    if (rows.length < pageRows) break;
  }
  await tx.query({ text: 'close selected' });
}

/** Refuses the keys of all that are selected in every later CSR, those of revoked certificates too. */
export async function blockSelectedKeys(tx: Queryable, selection: BulkSelection, at: Date): Promise<void> {
  const conditions = new Conditions();
  const matching = addSelection(conditions, selection);
  const blockedAt = conditions.parameter(at);
  await tx.query({
    text: `insert into blocked_keys (spki_sha256, serial, blocked_at)
      select distinct on (c.spki_sha256) c.spki_sha256, c.serial, ${blockedAt}::timestamptz
      from ${tables} where ${matching} order by c.spki_sha256, c.serial
      on conflict do nothing`,
    values: conditions.values,
  });
}

const tables = 'certificates c left join revocations r on r.serial = c.serial';

function addSelection(conditions: Conditions, selection: BulkSelection): string {
  const { filter, withSameKeys, serial, now } = selection;
  conditions.add('c.not_after > $1', now);
  addFilter(conditions, filter, now);
  const filtered = conditions.texts.join(' and ');
  const chosen = withSameKeys
    ? `c.not_after > $1 and c.spki_sha256 in (select c.spki_sha256 from certificates c where ${filtered})`
    : filtered;
  if (serial === undefined) return chosen;
  return `(${chosen} or c.serial = ${conditions.parameter(Buffer.from(serial, 'hex'))})`;
}

function openness(conditions: Conditions, { reason, serial }: BulkSelection): string {
  if (reason === 'certificateHold') return 'r.serial is null';
  const held = `r.serial is null or r.reason = 'certificateHold'`;
  if (serial === undefined) return `(${held})`;
  const named = conditions.parameter(Buffer.from(serial, 'hex'));
  return `(${held} or (c.serial = ${named} and r.reason <> ${conditions.parameter(reason)}))`;
}

function countsOf(row: SelectedRow | undefined): BulkCounts {
  if (row === undefined) return { matched: 0, alreadyRevoked: 0 };
  return { matched: row.matched, alreadyRevoked: row.matched - row.open_count };
}

function selectedOf(row: SelectedRow): SelectedCertificate {
  const { serial, id, authority, not_after: notAfter, open } = row;
  return { serial, id: BigInt(id), authority, notAfter, open };
}
