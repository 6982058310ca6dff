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
}

export const crlColumns = `authority, number, this_update, next_update, entry_count,
  encode(sha256, 'hex') as sha256, size_bytes, created_at`;

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
  };
}
