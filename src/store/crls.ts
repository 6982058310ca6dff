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
   * @param atLeast the number, unless that of the previous CRL plus one is greater
   */
  build(
    authority: string,
    atLeast: bigint,
    work: (session: CrlBuildSession) => Promise<BuiltCrl | undefined>,
  ): Promise<StoredCrl | undefined>;
}

export function createCrlStore(db: Database): CrlStore {
  return {
    async latest(authority) {
      const [row] = await db.query<CrlRow>({
        name: 'crls-latest',
        text: `select ${crlColumns} from crls where authority = $1 order by number desc limit 1`,
        values: [authority],
      });
      return row === undefined ? undefined : crlOf(row);
    },
    async latestDer(authority) {
      const [row] = await db.query<CrlRow & { readonly der: Buffer }>({
        name: 'crls-latest-der',
        text: `select ${crlColumns}, der from crls where authority = $1 order by number desc limit 1`,
        values: [authority],
      });
      return row === undefined ? undefined : { ...crlOf(row), der: row.der };
    },
    build: (authority, atLeast, work) => buildCrl(db, authority, atLeast, work),
  };
}
