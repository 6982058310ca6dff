import type { LeaderWork } from '../leadership/leadership.ts';
import type { TrustMaterial } from './trust-material.ts';

/** Why there is a copy: ours, configured by name, matched by the label selector, or used by an enforced Ingress. */
export type CopyReason = 'own' | 'configured' | 'selector' | 'enforced';

/**
 * `Current`: known to be right. `Pending`: not looked at yet. `Failed`: see `error`; tried again by itself. `Waiting`:
 * it cannot be there at present and nothing is wrong; see `waitingFor`.
 */
export type CopyState = 'Current' | 'Pending' | 'Failed' | 'Waiting';

/** One place where the trust material lies, and what is known of it. */
export interface PublishedCopy {
  /** `secret:<namespace>/<name>`, `configmap:<namespace>/<name>`, `clustertrustbundle:<name>` or `directory:<path>`. */
  readonly target: string;
  readonly state: CopyState;
  readonly why: readonly CopyReason[];
  /** Decimal; absent when nothing was written or found yet, and where no CRL is kept (ConfigMap, ClusterTrustBundle). */
  readonly crlNumber?: string;
  readonly caFingerprints: readonly string[];
  readonly writtenAt?: Date;
  /** The sum of the raw values, which is what Kubernetes limits to 1 MiB. */
  readonly sizeBytes?: number;
  /** The largest `sizeBytes` that the target takes; absent for a directory. */
  readonly limitBytes?: number;
  /** Why the last attempt failed. */
  readonly error?: string;
  /** What has to happen first, such as the namespace being made. */
  readonly waitingFor?: string;
}

/** Carries `ca.crt` and `ca.crl` to every copy and keeps them current. */
export interface Publisher {
  /**
   * This is the newest material. Where the copies are ours to keep (the files always, those in the cluster while we
   * lead), it resolves when each was tried once; what failed shows in `status()` and is tried again, with growing pauses.
   * @throws Fault `internal` only when the material is not fit to leave the process (see `assertPublishable`).
   */
  publish(material: TrustMaterial): Promise<void>;
  /**
   * Writes the Secret of one namespace now and waits for it, on any replica: never an older CRL over a newer one, and
   * never over what a newer leader wrote. Whoever leads then keeps it while `wantedNamespaces` names it.
   * @throws Fault `publication-refused` (a Secret of that name is not ours), `namespace-not-found`,
   * `kubernetes-unavailable`, `kubernetes-forbidden`, `kubernetes-off`, `database-unavailable`, `key-unavailable` (there
   * is no CRL yet), `conflict` (too large, refused by admission, or the namespace is being deleted).
   */
  ensureNamespace(namespace: string): Promise<PublishedCopy>;
  /**
   * Deletes our copies in a namespace that is neither our own, nor configured, nor selected, nor wanted by an enforced
   * Ingress (without `namespace`: in all such). Call it after the last enforced Ingress of a namespace is undone, and
   * name that namespace: a copy elsewhere may be in use by somebody who wrote the annotations by hand. Returns the
   * targets removed.
   */
  removeUnwanted(namespace?: string): Promise<string[]>;
  /**
   * Every copy, those that could not be written included; the same on every replica.
   * @throws Fault `database-unavailable` on a replica that does not lead
   */
  status(): Promise<PublishedCopy[]>;
  /** Keeps the copies in the cluster. Nothing to do without Kubernetes. */
  readonly leaderWork: LeaderWork;
  /** Ends watches, retries and a running command. */
  close(): Promise<void>;
}
