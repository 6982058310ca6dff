import type { TrustMaterial } from './trust-material.ts';

/** One place where the trust material lies, and what we know of it. */
export interface PublishedCopy {
  /** `secret:<namespace>/<name>` or `directory:<path>`. */
  readonly target: string;
  /** Decimal; absent when nothing was written or found yet. */
  readonly crlNumber?: string;
  readonly caFingerprints: readonly string[];
  readonly writtenAt?: Date;
  /** The sum of the raw values, which is what Kubernetes limits to 1 MiB. */
  readonly sizeBytes?: number;
  /** The largest `sizeBytes` that the target takes; absent for a directory. */
  readonly limitBytes?: number;
  /** Why the last attempt failed; absent when the copy is current. */
  readonly error?: string;
}

/** Carries `ca.crt` and `ca.crl` to every copy and keeps them current. */
export interface Publisher {
  /**
   * Writes to every target and resolves when each was tried once. A target that failed shows its error in `status()`
   * and is tried again, with growing pauses, until it has this material or newer.
   * @throws Fault `internal` only when the material is not fit to leave the process (see `assertPublishable`).
   */
  publish(material: TrustMaterial): Promise<void>;
  /**
   * Writes the copy of one namespace now and waits for it; afterwards the copy is kept current while
   * `wantedNamespaces` names it.
   * @throws Fault `publication-refused` (a Secret of that name is not ours), `namespace-not-found`,
   * `kubernetes-unavailable`, `kubernetes-forbidden`, `kubernetes-off`, `conflict` (too large, or refused by admission).
   */
  ensureNamespace(namespace: string): Promise<PublishedCopy>;
  /**
   * Deletes our copy in a namespace that is neither our own, nor configured, nor wanted by an enforced Ingress (without
   * `namespace`: in all such). Call it after the last enforced Ingress of a namespace is undone, and name that namespace:
   * a copy elsewhere may be in use by somebody who wrote the annotations by hand. Returns the targets removed.
   */
  removeUnwanted(namespace?: string): Promise<string[]>;
  /** Every copy, those that could not be written included. */
  status(): PublishedCopy[];
  /** Ends watches, retries and a running command. */
  close(): Promise<void>;
}
