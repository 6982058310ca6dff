import type { StoredCrl } from './crls.ts';
import type { Queryable } from './database.ts';

/** The bytes of a CRL. */
export interface CrlForms {
  readonly der: Buffer;
  readonly compact?: Buffer;
  readonly delta?: NonNullable<StoredCrl['delta']> & { readonly der: Buffer };
}

/** @returns undefined when the row is gone */
export async function readForms(db: Queryable, crl: StoredCrl): Promise<CrlForms | undefined> {
  const der = await readDer(db, crl);
  const compact =
    crl.compactBytes === undefined ? undefined : await readSlices(db, crl, 'compact', crl.compactBytes);
  const delta = crl.delta === undefined ? undefined : await readSlices(db, crl, 'delta', crl.delta.sizeBytes);
  if (der === undefined) return undefined;
  return {
    der,
    ...(compact && { compact }),
    ...(delta && crl.delta && { delta: { ...crl.delta, der: delta } }),
  };
}

/** @returns undefined when the row is gone */
export async function readDer(db: Queryable, crl: StoredCrl): Promise<Buffer | undefined> {
  return await readSlices(db, crl, 'der', crl.sizeBytes);
}

/** The driver takes a bytea as one string of hex: of 40 MB at once that would hold the event loop and 200 MB. */
const sliceOctets = 512 * 1024;

/** What rows of crls have in these columns never changes, so slices of one belong together. */
async function readSlices(
  db: Queryable,
  { authority, number }: StoredCrl,
  column: 'der' | 'compact' | 'delta',
  octets: number,
): Promise<Buffer | undefined> {
  // Zeroed: a row of fewer octets than it says must not show what was in memory before.
  const bytes = Buffer.alloc(octets);
  for (let at = 0; at < octets; at += sliceOctets) {
    const [row] = await db.query<{ slice: Buffer }>({
      name: `crls-${column}`,
      text: `select substring(${column} from $3 for $4) as slice from crls where authority = $1 and number = $2`,
      values: [authority, number, at + 1, sliceOctets],
    });
    if (row === undefined) return undefined;
    row.slice.copy(bytes, at);
  }
  return bytes;
}
