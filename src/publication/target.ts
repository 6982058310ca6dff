import type { TrustMaterial } from './trust-material.ts';

/** One copy, as it is after a write: the CRL number may be higher than asked for when another process was faster. */
export interface WrittenCopy {
  readonly crlNumber: bigint;
  readonly caFingerprints: readonly string[];
  readonly sizeBytes: number;
  /** False when it was already so. */
  readonly changed: boolean;
  /** Of a Secret: tells our own write from somebody's edit. */
  readonly resourceVersion?: string;
}

/** A place that the trust material is carried to. */
export interface Target {
  /** `secret:<namespace>/<name>` or `directory:<path>`. */
  readonly id: string;
  /** The largest size it takes, in bytes. */
  readonly limitBytes?: number;
  /** Brings the copy to this material, unless it has newer. Throws, and then the last good copy still stands. */
  write(material: TrustMaterial): Promise<WrittenCopy>;
}
