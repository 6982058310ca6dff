import { buildCrl } from './crl-build.ts';
import { type CrlForms, readForms } from './crl-forms.ts';
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
  /** It tells of every change up to this one (`revocation_head.position`). */
  readonly position: bigint;
  readonly compactBytes?: number;
  readonly delta?: { readonly sizeBytes: number; readonly baseNumber: bigint };
}

/** Counted in the table itself, not read through the index that the entries come by. */
export interface Tally {
  readonly count: number;
  readonly octets: number;
}

/** A complete CRL that a delta can build upon, and what came after it. */
export interface DeltaBase {
  readonly number: bigint;
  /** How many came, at most, counted up to `limit`: far quicker than reading them. */
  count(limit: number): Promise<number>;
  /** Encoded entries in ascending serial order: what was revoked since, or has another reason, and what was released. */
  entries(): AsyncIterable<Buffer>;
  /** What `entries` should have given. */
  tally(): Promise<Tally>;
}

/** One consistent look at the revocations of an authority, while nobody else builds its CRL. */
export interface CrlBuildSession {
  readonly previous?: StoredCrl;
  /** The number of the CRL to build: always greater than every one before. */
  readonly number: bigint;
  /** Up to which another program has numbered the authority's CRLs, as far as they were imported; 0: none was. */
  readonly numberFloor: bigint;
  /** Changes that no CRL tells of yet, revocations and releases; counted up to some tens of thousands. */
  readonly pending: number;
  /** The time of day by the database's own clock, at this moment. */
  databaseNow(): Promise<Date>;
  /** Encoded entries in ascending serial order, many per chunk. Must be read to the end before a CRL is returned. */
  entries(): AsyncIterable<Buffer>;
  /** What `entries` should have given. */
  tally(): Promise<Tally>;
  /** The bytes of the previous CRL. */
  previousDer(): Promise<Buffer | undefined>;
  /** Of these serials of the previous CRL, which are not in this one: those that have no right to be gone. */
  wronglyGone(serials: readonly Buffer[]): Promise<Buffer[]>;
  /**
   * What a delta builds upon: the newest CRL that no CRL still valid at `now` is older than, so that whoever holds a valid one can
   * apply the delta. Undefined before the second CRL.
   */
  deltaBase(now: Date): Promise<DeltaBase | undefined>;
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
  /** The DER in chunks: that of a million entries is never copied into one piece. */
  readonly der: readonly Buffer[];
  readonly compact?: Buffer;
  readonly delta?: { readonly der: readonly Buffer[]; readonly baseNumber: bigint };
}

export interface CrlStore {
  latest(authority: string): Promise<StoredCrl | undefined>;
  /** The newest with its bytes. */
  latestDer(authority: string): Promise<(StoredCrl & CrlForms) | undefined>;
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

async function readLatestDer(db: Database, authority: string): Promise<(StoredCrl & CrlForms) | undefined> {
  for (;;) {
    const latest = await readLatest(db, authority);
    if (latest === undefined) return undefined;
    const forms = await readForms(db, latest);
    const { delta: _, ...crl } = latest;
    if (forms !== undefined) return { ...crl, ...forms };
    // Deleted between two slices: newer ones have taken its place.
  }
}
