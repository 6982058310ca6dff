import type { RevocationReason } from '../x509/crl.ts';
import { createCertificateInserter } from './certificate-insert.ts';
import { createCertificateReader } from './certificate-read.ts';
import { searchCertificates } from './certificate-search.ts';
import type { Database } from './database.ts';

/** What is recorded of a certificate before it leaves the process. */
export interface CertificateRecord {
  /** Lower-case hex of the serial number's octets. */
  readonly serial: string;
  readonly authority: string;
  readonly profile: string;
  /** RFC 4514 */
  readonly subject: string;
  readonly commonName: string | null;
  /** `dns:a.example`, `ip:10.0.0.1` …; host names in lower case. */
  readonly sans: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly requester: string;
  /** SHA-256 of the SubjectPublicKeyInfo, 32 octets. */
  readonly spkiSha256: Buffer;
  /** Lower-case hex of the SHA-256 of `der`. */
  readonly fingerprint: string;
  readonly der: Buffer;
  readonly metadata: Readonly<Record<string, string>>;
  readonly createdAt: Date;
  readonly idempotency?: { readonly key: string; readonly requestHash: Buffer };
}

export interface StoredRevocation {
  readonly revokedAt: Date;
  readonly reason: RevocationReason;
  readonly requester: string;
  /** Decimal number of the first CRL that lists the certificate; absent until one is built. */
  readonly crlNumber?: string;
}

export interface StoredCertificate extends CertificateRecord {
  readonly revocation?: StoredRevocation;
}

/** A row of a search: everything but the certificate itself. */
export type CertificateSummary = Omit<StoredCertificate, 'der'>;

/** `revoked` wins over `expired`: every certificate is in exactly one state. */
export type CertificateState = 'valid' | 'revoked' | 'expired';

export interface CertificateFilter {
  /** Prefix of the common name or of the whole subject, without regard to case. */
  readonly subject?: string;
  /** One whole name, `dns:a.example`; a name without its kind stands for any kind. */
  readonly san?: string;
  readonly profile?: string;
  readonly authority?: string;
  readonly requester?: string;
  readonly state?: CertificateState;
  /** Revoked, for this reason. */
  readonly reason?: RevocationReason;
  /** notAfter is earlier than this. */
  readonly expiresBefore?: Date;
  /** notAfter is this or later. */
  readonly expiresAfter?: Date;
  /** Issued at this time or later. */
  readonly issuedAfter?: Date;
  /** Issued before this. */
  readonly issuedBefore?: Date;
  /** The key: SHA-256 of its SubjectPublicKeyInfo. */
  readonly spkiSha256?: Buffer;
}

export interface CertificatePage {
  readonly items: readonly CertificateSummary[];
  /** Opaque; present when there may be more. */
  readonly nextCursor?: string;
}

export type InsertOutcome = 'inserted' | 'key-blocked' | 'idempotency-conflict';

export interface CertificateStore {
  /**
   * Records one certificate; resolves only after COMMIT. Calls that wait while a write is in flight go together in
   * the next statement. `key-blocked`: the key was reported as compromised; `idempotency-conflict`: the requester
   * used the Idempotency-Key before. Nothing is recorded in either case.
   * @throws Fault database-unavailable (the row may or may not be there), Fault conflict when the serial exists
   */
  insert(record: CertificateRecord): Promise<InsertOutcome>;
  /** @param serial lower-case hex; anything else finds nothing */
  findBySerial(serial: string): Promise<StoredCertificate | undefined>;
  findByIdempotencyKey(
    requester: string,
    key: string,
  ): Promise<(StoredCertificate & { readonly requestHash: Buffer }) | undefined>;
  /**
   * Newest first; with an expiry bound or the state `expired`, by expiry, earliest first.
   * @param page limit 1 to 1000; cursor from the page before, of the same filter
   * @throws Fault request-invalid (field `cursor`) for a cursor that is not one of ours
   */
  search(
    filter: CertificateFilter,
    page: { readonly limit: number; readonly cursor?: string },
    now: Date,
  ): Promise<CertificatePage>;
  /** How many certificates, not revoked, have a notAfter in [from, to). Those of `exceptProfiles` are meant to expire. */
  countExpiring(authority: string, from: Date, to: Date, exceptProfiles?: readonly string[]): Promise<number>;
  /**
   * Deletes at most `limit` certificates that expired before `before`, with their revocations, and as many revocations of
   * certificates that are not recorded here; but never one that a CRL still has to list. How the tables stay bounded.
   * @returns how many were deleted; when fewer than `limit`, there are no more
   */
  deleteExpired(before: Date, limit: number): Promise<number>;
}

export function createCertificateStore(db: Database): CertificateStore {
  const reader = createCertificateReader(db);
  return {
    insert: createCertificateInserter(db),
    search: (filter, page, now) => searchCertificates(db, filter, page, now),
    ...reader,
  };
}
