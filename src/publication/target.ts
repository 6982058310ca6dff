import type { CrlForm } from '../store/publications.ts';
import type { TrustMaterial } from './trust-material.ts';
import type { WriteFence } from './write-fence.ts';

/** One copy, as it is after a write: the CRL number may be higher than asked for when another process was faster. */
export interface WrittenCopy {
  /** Absent where only the CA certificates are kept. */
  readonly crlNumber?: bigint;
  /** Absent for kinds that never carry a CRL. */
  readonly crlForm?: CrlForm;
  readonly caFingerprints: readonly string[];
  readonly sizeBytes: number;
  /** When it was written, as the copy itself tells. */
  readonly writtenAt?: Date;
  /** `kept`: it was already so. */
  readonly change: 'created' | 'changed' | 'kept';
  /** Of an object in the cluster: tells our own write from somebody's edit, and one object from the next of its name. */
  readonly resourceVersion?: string;
  readonly uid?: string;
}

/** A place that the trust material is carried to. */
export interface Target {
  /** As in `PublishedCopy`. */
  readonly id: string;
  /** The largest size it takes, in bytes. */
  readonly limitBytes?: number;
}

/** Files: nothing limits them, so they carry the CRLs in full. */
export interface FileTarget extends Target {
  /** Brings the copy to this material, unless it has newer. Throws, and then the last good copy still stands. */
  write(material: TrustMaterial): Promise<WrittenCopy>;
}

/** An object in the cluster. */
export interface ClusterTarget extends Target {
  /**
   * Brings the copy to this material, unless it has newer. Throws, and then the last good copy still stands.
   * @param form how a kind that carries CRLs is to carry them
   * @returns undefined where the cluster does not have this kind
   * @throws NotLeading; Fault as `Publisher.ensureNamespace`
   */
  write(material: TrustMaterial, form: CrlForm, fence: WriteFence): Promise<WrittenCopy | undefined>;
}
