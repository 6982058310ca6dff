import type pg from 'pg';
import { byteaArray } from './binary-array.ts';
import {
  type BulkCounts,
  type BulkSelection,
  blockSelectedKeys,
  type SelectedCertificate,
  type SelectedPage,
  selectPages,
} from './bulk-selection.ts';
import type { Database, Queryable } from './database.ts';
import { againAfterDeadlock } from './deadlock.ts';
import { closeChange, insertRevocations, newChangeId } from './revocation-changes.ts';

export interface BulkRequest extends BulkSelection {
  /** Whole seconds. A hold that is made final keeps its own. */
  readonly revokedAt: Date;
  readonly requester: string;
  /** Refuse their keys in every later CSR. */
  readonly blockKeys: boolean;
  /** The encoded entry of revokedCertificates (RFC 5280 5.1.2.6). */
  readonly entryOf: (serial: string, revokedAt: Date) => Buffer;
}

/** All that match, in ascending order of their serials, as far as they are shown. */
export interface BulkCountOutcome extends BulkCounts {
  readonly serials: readonly string[];
}

export interface BulkOutcome extends BulkCountOutcome {
  /** Revoked now; holds that were made final are among them. */
  readonly revoked: number;
  /** Whose CRLs change. */
  readonly authorities: readonly string[];
}

export interface BulkRevocationStore {
  /** What `revoke` would find now. Writes nothing. */
  count(selection: BulkSelection, shownSerials: number): Promise<BulkCountOutcome>;
  /**
   * Revokes all that match in one transaction and one change: all of them or none. Resolves after COMMIT.
   * @param approve is told the counts before anything is written; what it throws is thrown, and nothing is done
   */
  revoke(
    request: BulkRequest,
    shownSerials: number,
    approve: (counts: BulkCounts) => void,
  ): Promise<BulkOutcome>;
}

/** A page is read, encoded and written in a few milliseconds of ours, and requests get their turn between two. */
const pageRows = 500;

export function createBulkRevocationStore(db: Database): BulkRevocationStore {
  return {
    count: (selection, shownSerials) =>
      db.transaction(async (tx) => {
        const { value: page }: IteratorResult<SelectedPage, undefined> = await selectPages(
          tx,
          selection,
          shownSerials,
        ).next();
        if (page === undefined) throw new Error('The selection has no page');
        const { matched, alreadyRevoked, rows } = page;
        return { matched, alreadyRevoked, serials: rows.map(({ serial }) => serial) };
      }),
    revoke: (request, shownSerials, approve) =>
      againAfterDeadlock(() => db.transaction((tx) => revokeAll(tx, request, shownSerials, approve))),
  };
}

async function revokeAll(
  tx: Queryable,
  request: BulkRequest,
  shownSerials: number,
  approve: (counts: BulkCounts) => void,
): Promise<BulkOutcome> {
  // A process that stands still in the middle must not keep what it has locked from the others.
  await tx.query({ text: `select set_config('idle_in_transaction_session_timeout', '10s', true)` });
  const changeId = await newChangeId(tx);
  const authorities = new Set<string>();
  const serials: string[] = [];
  let counts: BulkCounts = { matched: 0, alreadyRevoked: 0 };
  let revoked = 0;
  for await (const { rows, ...found } of selectPages(tx, request, pageRows)) {
    // Of every page the same; nothing has been written before the first one.
    approve(found);
    counts = found;
    serials.push(...rows.slice(0, shownSerials - serials.length).map(({ serial }) => serial));
    if (found.alreadyRevoked === found.matched) break;
    const changed = await revokePage(
      tx,
      request,
      rows.filter(({ open }) => open),
      changeId,
    );
    for (const { authority } of changed) authorities.add(authority);
    revoked += changed.length;
  }
  if (request.blockKeys) await blockSelectedKeys(tx, request, request.revokedAt);
  if (revoked > 0) await closeChange(tx, changeId);
  return { ...counts, serials, revoked, authorities: [...authorities] };
}

/** Each time round, others have released or put on hold one of these between two statements of ours. */
const patience = 10;

/** @returns those that were changed; the others somebody else has revoked for good meanwhile */
async function revokePage(
  tx: Queryable,
  request: BulkRequest,
  page: readonly SelectedCertificate[],
  changeId: bigint,
): Promise<SelectedCertificate[]> {
  const changed: SelectedCertificate[] = [];
  let waiting = page;
  for (let round = 0; waiting.length > 0; round++) {
    if (round === patience) throw new Error('Revocations change faster than they can be read');
    const inserted = new Set(await insertRevocations(tx, newRows(request, waiting), changeId));
    const revokedBefore = waiting.filter(({ serial }) => !inserted.has(serial));
    const existing = await lockExisting(tx, revokedBefore);
    const superseded = revokedBefore.filter(({ serial }) =>
      isSuperseded(request, serial, existing.get(serial)),
    );
    await supersede(tx, request, superseded, existing, changeId);
    changed.push(...waiting.filter(({ serial }) => inserted.has(serial)), ...superseded);
    // Released between our two statements.
    waiting = revokedBefore.filter(({ serial }) => !existing.has(serial));
  }
  return changed;
}

function newRows(request: BulkRequest, page: readonly SelectedCertificate[]) {
  const { reason, requester, revokedAt } = request;
  return page.map(({ serial, id, authority, notAfter }) => ({
    ...{ serial, certificateId: id, authority, notAfter, reason, requester, revokedAt },
    entry: request.entryOf(serial, revokedAt),
    inCrl: true,
  }));
}

interface ExistingRevocation {
  readonly serial: string;
  readonly reason: string;
  readonly revoked_at: Date;
}

async function lockExisting(
  tx: Queryable,
  page: readonly SelectedCertificate[],
): Promise<ReadonlyMap<string, ExistingRevocation>> {
  if (page.length === 0) return new Map();
  const rows = await tx.query<ExistingRevocation & pg.QueryResultRow>({
    name: 'revocations-lock-many',
    text: `select encode(serial, 'hex') as serial, reason, revoked_at from revocations
      where serial = any($1::bytea[]) order by revocations.serial for update`,
    values: [byteaArray(page.map(({ serial }) => Buffer.from(serial, 'hex')))],
  });
  return new Map(rows.map((row) => [row.serial, row]));
}

function isSuperseded(
  { reason, serial: named }: BulkRequest,
  serial: string,
  existing: ExistingRevocation | undefined,
): boolean {
  if (existing === undefined || existing.reason === reason) return false;
  return existing.reason === 'certificateHold' || serial === named;
}

/** The date stays: that is when it was revoked, whatever for. */
async function supersede(
  tx: Queryable,
  { reason, requester, entryOf }: BulkRequest,
  superseded: readonly SelectedCertificate[],
  existing: ReadonlyMap<string, ExistingRevocation>,
  changeId: bigint,
): Promise<void> {
  if (superseded.length === 0) return;
  const entries = superseded.map(({ serial }) => {
    const row = existing.get(serial);
    if (row === undefined) throw new Error('A revocation is superseded that is not there');
    return entryOf(serial, row.revoked_at);
  });
  await tx.query({
    name: 'revocations-supersede-many',
    text: `update revocations r set reason = $3, requester = $4, change_id = $5,
        entry = case when octet_length(r.entry) > 0 then given.entry else r.entry end
      from unnest($1::bytea[], $2::bytea[]) as given (serial, entry) where r.serial = given.serial`,
    values: [
      byteaArray(superseded.map(({ serial }) => Buffer.from(serial, 'hex'))),
      byteaArray(entries),
      reason,
      requester,
      changeId,
    ],
  });
}
