/**
 * What every copy carries: the certificates of all our CAs and the CRL of each of them, made together. A reader
 * that finds a CA in `caCrt` without its CRL beside it refuses every client of that CA (nginx, HAProxy).
 */
export interface TrustMaterial {
  /** PEM, one CERTIFICATE block per CA, roots included. */
  readonly caCrt: string;
  /** The same CRLs in each form that is at hand. */
  readonly crls: {
    /** As the public files have them. */
    readonly full: CrlText;
    /** Without reason codes; absent while the full form is small, and when even this one is too large for any Secret. */
    readonly compact?: CrlText;
  };
  /** Revocations in all of them. */
  readonly entryCount: number;
  /** The CRL number of the issuing CA: what decides which of two copies is newer. */
  readonly crlNumber: bigint;
  /** The earliest nextUpdate of all the CRLs. */
  readonly nextUpdate: Date;
  /** SHA-256 of each CA certificate, lower-case hex, in the order of `caCrt`. */
  readonly caFingerprints: readonly string[];
}

/** PEM, one X509 CRL block per CA in `caCrt`; never empty, since an empty file turns revocation off. */
export interface CrlText {
  readonly sizeBytes: number;
  /** One for each CRL. Made when first asked for: what is too large for every copy is never made. */
  pems(): Promise<readonly Buffer[]>;
}
