import type { ControllerName, VerificationSettings } from './verification.ts';

/**
 * What we did to one Ingress, and what is needed to take it back. The row is written before the Ingress is touched
 * (`applying`), so that a crash in between never loses what stood there before.
 */
export interface ClientVerificationRecord {
  readonly namespace: string;
  readonly name: string;
  /** Of the Ingress: a recreated one has another, and nothing of ours on it. */
  readonly uid: string;
  readonly controller: ControllerName;
  readonly authority: string;
  readonly state: 'applying' | 'applied';
  readonly settings: VerificationSettings;
  readonly hosts: readonly string[];
  readonly written: Readonly<Record<string, string>>;
  /** The value that somebody else last gave each annotation that we ever wrote; null for none. */
  readonly before: Readonly<Record<string, string | null>>;
  readonly requester: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** One row per enforced Ingress; namespace and name are the key. */
export interface ClientVerificationStore {
  get(namespace: string, name: string): Promise<ClientVerificationRecord | undefined>;
  /** Inserts or replaces. */
  put(record: ClientVerificationRecord): Promise<void>;
  delete(namespace: string, name: string): Promise<void>;
  /** Ordered by namespace and name. */
  list(): Promise<ClientVerificationRecord[]>;
}
