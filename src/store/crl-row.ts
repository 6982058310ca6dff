import type { StoredCrl } from './crls.ts';

/** The columns of a CRL but for its bytes, as the driver gives them. */
export interface CrlRow {
  readonly authority: string;
  readonly number: string;
  readonly this_update: Date;
  readonly next_update: Date;
  readonly entry_count: number;
  readonly sha256: string;
  readonly size_bytes: number;
  readonly created_at: Date;
  readonly position: string;
  readonly compact_bytes: number | null;
  readonly delta_bytes: number | null;
  readonly delta_base: string | null;
}

/** The length of what is stored outside of the row is known without reading it. */
export const crlColumns = `authority, number, this_update, next_update, entry_count,
  encode(sha256, 'hex') as sha256, size_bytes, created_at, position,
  octet_length(compact) as compact_bytes, octet_length(delta) as delta_bytes, delta_base`;

export function crlOf(row: CrlRow): StoredCrl {
  return {
    authority: row.authority,
    number: BigInt(row.number),
    thisUpdate: row.this_update,
    nextUpdate: row.next_update,
    entryCount: row.entry_count,
    sha256: row.sha256,
    sizeBytes: row.size_bytes,
    createdAt: row.created_at,
    position: BigInt(row.position),
    ...(row.compact_bytes === null ? {} : { compactBytes: row.compact_bytes }),
    ...(row.delta_bytes === null || row.delta_base === null
      ? {}
      : { delta: { sizeBytes: row.delta_bytes, baseNumber: BigInt(row.delta_base) } }),
  };
}
