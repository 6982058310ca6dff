import type { Database } from './database.ts';

/** Client verification as it is wanted on one Ingress, and what stood there before. */
export interface ClientVerificationRecord {
  readonly namespace: string;
  readonly name: string;
  /** The Ingress's UID: another object of the same name is another Ingress. */
  readonly uid: string;
  readonly controller: string;
  readonly authority: string;
  /** JSON: the wish. */
  readonly spec: unknown;
  /** JSON: the annotations as they were, to restore them. */
  readonly before: unknown;
  /** JSON: the annotations as we wrote them, to see drift. */
  readonly written: unknown;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly requester: string;
}

export interface ClientVerificationStore {
  /** Inserts or replaces the row of that Ingress; `createdAt` stays that of the first one while the UID is the same. */
  put(record: ClientVerificationRecord): Promise<ClientVerificationRecord>;
  find(namespace: string, name: string): Promise<ClientVerificationRecord | undefined>;
  /** Ordered by namespace and name. */
  list(): Promise<readonly ClientVerificationRecord[]>;
  /** @returns false when there was none */
  delete(namespace: string, name: string): Promise<boolean>;
  /** The namespaces that have at least one, in order. */
  namespaces(): Promise<readonly string[]>;
}

export declare function createClientVerificationStore(db: Database): ClientVerificationStore;
