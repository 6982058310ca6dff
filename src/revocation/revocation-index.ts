import type { RevocationReason } from '../x509/revocation-reason.ts';

/** What this replica knows of one revoked certificate. */
export interface KnownRevocation {
  readonly reason: RevocationReason;
  /** Whole seconds, as the CRL has them. */
  readonly revokedAt: Date;
}

/** What has just become known. `reloaded`: anything may have changed. */
export type RevocationChange =
  | { readonly kind: 'changed'; readonly authority: string; readonly serials: readonly string[] }
  | { readonly kind: 'reloaded' };

/**
 * Every revocation of certificates that have not expired, in memory: asking costs no query. It follows the database by
 * notices and by looking, so that within a second every replica knows of what any of them has committed, and none is missed.
 */
export interface RevocationIndex {
  /** @param serial lower-case hex, as `Certificate.serial` */
  lookup(authority: string, serial: string): KnownRevocation | undefined;
  /** Up to which change (`revocation_head.position`) this is complete. */
  readonly position: bigint;
  readonly size: number;
  /**
   * Milliseconds, by a monotonic clock, since it was last known to miss nothing; Infinity before the first reading. Grows while
   * the database is away.
   */
  ageMs(): number;
  /** Called after each change was applied. @returns ends it */
  onChange(listener: (change: RevocationChange) => void): () => void;
}
