import type { RevocationReason } from '../x509/crl.ts';
import type { StoredRevocation } from './certificates.ts';
import type { Database } from './database.ts';

export interface RevocationRequest {
  /** Lower-case hex. */
  readonly serial: string;
  readonly authority: string;
  readonly reason: RevocationReason;
  readonly revokedAt: Date;
  readonly requester: string;
  /** The encoded entry of revokedCertificates (RFC 5280 5.1.2.6), as the CRL will carry it. */
  readonly entry: Buffer;
  /** Refuse this certificate's key in every later CSR (reason keyCompromise). */
  readonly blockSpki: boolean;
}

export interface RevocationStore {
  /**
   * Records the revocation; resolves after COMMIT. Idempotent: the first one stands, `created` tells.
   * @throws Fault certificate-not-found
   */
  revoke(request: RevocationRequest): Promise<{ revocation: StoredRevocation; created: boolean }>;
  /** Revocations that no CRL lists yet; `compromised` when one of them is keyCompromise. */
  pending(authority: string): Promise<{ count: number; compromised: boolean }>;
}

export declare function createRevocationStore(db: Database): RevocationStore;
