import type { LeaderWork } from '../leadership/leadership.ts';
import type { PublishedCopy } from '../store/publications.ts';
import type { CopyReader } from './copy-forms.ts';
import type { TrustMaterial } from './trust-material.ts';

export type { CopyReason, CopyState, PublishedCopy } from '../store/publications.ts';

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
   * @param reader the Ingress that it is for; by default it depends on the CRL
   */
  ensureNamespace(namespace: string, reader?: CopyReader): Promise<PublishedCopy>;
  /**
   * Deletes our copies in a namespace that is neither our own, nor configured, nor selected, nor wanted by an enforced
   * Ingress: at once after the last one there was undone, on any replica. Returns the targets removed.
   */
  removeUnwanted(namespace: string): Promise<string[]>;
  /**
   * Every copy, those that could not be written included; the same on every replica.
   * @throws Fault `database-unavailable` on a replica that does not lead
   */
  status(): Promise<PublishedCopy[]>;
  /** Somebody has read this copy and found it wrong: it is read again, whatever is remembered of it or told by a watch. */
  recheck(target: string): void;
  /** Keeps the copies in the cluster. Nothing to do without Kubernetes. */
  readonly leaderWork: LeaderWork;
  /** Ends watches, retries and a running command. */
  close(): Promise<void>;
}
