import { setImmediate } from 'node:timers/promises';
import pg from 'pg';
import type { StoredCrl } from './crls.ts';
import type { Copyable } from './database.ts';

/** The bytes of a CRL. */
export interface CrlForms {
  readonly der: Buffer;
  readonly compact?: Buffer;
  readonly delta?: NonNullable<StoredCrl['delta']> & { readonly der: Buffer };
}

/** @returns undefined when the row is gone */
export async function readForms(db: Copyable, crl: StoredCrl): Promise<CrlForms | undefined> {
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
export async function readDer(db: Copyable, crl: StoredCrl): Promise<Buffer | undefined> {
  return await readSlices(db, crl, 'der', crl.sizeBytes);
}

/** Few round trips, each taken in a millisecond or two. */
const sliceOctets = 512 * 1024;

/** What rows of crls have in these columns never changes, so slices of one belong together. */
async function readSlices(
  db: Copyable,
  { authority, number }: StoredCrl,
  column: 'der' | 'compact' | 'delta',
  octets: number,
): Promise<Buffer | undefined> {
  // Zeroed: a row of fewer octets than it says must not show what was in memory before.
  const bytes = Buffer.alloc(octets);
  for (let at = 0; at < octets; at += sliceOctets) {
    const slice = await db.copyOut(`
      select substring(${column} from ${at + 1} for ${sliceOctets}) from crls
      where authority = ${pg.escapeLiteral(authority)} and number = ${number}`);
    if (slice === undefined) return undefined;
    slice.copy(bytes, at);
    // From a server nearby all of them would come in one turn.
    await setImmediate();
  }
  return bytes;
}
