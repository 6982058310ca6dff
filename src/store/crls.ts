import { buildCrl } from './crl-build.ts';
import { type CrlRow, crlColumns, crlOf } from './crl-row.ts';
import type { Database } from './database.ts';

export interface StoredCrl {
  readonly authority: string;
  /** CRLNumber (RFC 5280 5.2.3). */
  readonly number: bigint;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly entryCount: number;
  /** Lower-case hex of the SHA-256 of the DER. */
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly createdAt: Date;
}

/** One consistent look at the revocations of an authority, while nobody else builds its CRL. */
export interface CrlBuildSession {
  readonly previous?: StoredCrl;
  /** The number of the CRL to build: always greater than every one before. */
  readonly number: bigint;
  /** Revocations that no CRL lists yet. */
  readonly pending: number;
  /** Encoded entries in ascending serial order, many per chunk. Must be read to the end before a CRL is returned. */
  entries(): AsyncIterable<Buffer>;
}

export interface CrlBuildTerms {
  readonly now: Date;
  /** The number, unless that of the previous CRL plus one is greater. */
  readonly atLeast: bigint;
  /** The builder's term: of a leader that another one has replaced nothing commits. */
  readonly epoch: bigint;
}

export interface BuiltCrl {
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly der: Buffer;
}

export interface CrlStore {
  latest(authority: string): Promise<StoredCrl | undefined>;
  latestDer(authority: string): Promise<(StoredCrl & { readonly der: Buffer }) | undefined>;
  /**
   * Builds the next CRL of an authority, one builder at a time across every process. `work` reads the session and
   * answers the CRL, or `undefined` to leave everything as it is. Resolves after COMMIT.
   * @throws NotLeading when the term is over, whether it was before or has ended meanwhile
   */
  build(
    authority: string,
    terms: CrlBuildTerms,
    work: (session: CrlBuildSession) => Promise<BuiltCrl | undefined>,
  ): Promise<StoredCrl | undefined>;
}

export function createCrlStore(db: Database): CrlStore {
  return {
    latest: (authority) => readLatest(db, authority),
    latestDer: (authority) => readLatestDer(db, authority),
    build: (authority, terms, work) => buildCrl(db, authority, terms, work),
  };
}

async function readLatest(db: Database, authority: string): Promise<StoredCrl | undefined> {
  const [row] = await db.query<CrlRow>({
    name: 'crls-latest',
    text: `select ${crlColumns} from crls where authority = $1 order by number desc limit 1`,
    values: [authority],
  });
  return row === undefined ? undefined : crlOf(row);
}

async function readLatestDer(
  db: Database,
  authority: string,
): Promise<(StoredCrl & { readonly der: Buffer }) | undefined> {
  for (;;) {
    const latest = await readLatest(db, authority);
    if (latest === undefined) return undefined;
    const der = await readDer(db, latest);
    if (der !== undefined) return { ...latest, der };
    // Deleted between two slices: newer ones have taken its place.
  }
}

/** The driver takes a bytea as one string of hex: of 40 MB at once that would hold the event loop and 200 MB. */
const sliceOctets = 1024 * 1024;

/** Rows of crls never change, so slices of one belong together. @returns undefined when the row is gone */
async function readDer(
  db: Database,
  { authority, number, sizeBytes }: StoredCrl,
): Promise<Buffer | undefined> {
  const der = Buffer.allocUnsafe(sizeBytes);
  for (let at = 0; at < sizeBytes; at += sliceOctets) {
    const [row] = await db.query<{ slice: Buffer }>({
      name: 'crls-der',
      text: 'select substring(der from $3 for $4) as slice from crls where authority = $1 and number = $2',
      values: [authority, number, at + 1, sliceOctets],
    });
    if (row === undefined) return undefined;
    row.slice.copy(der, at);
  }
  return der;
}
