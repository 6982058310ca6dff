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
  /** Who wishes it: whoever called, or the Ingress by its annotation. */
  readonly origin: 'api' | 'annotation';
  /** JSON: why the last attempt to carry it out failed. */
  readonly trouble: unknown;
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
  /** Another text as soon as any row was written or deleted. Costs less than reading them. */
  version(): Promise<string>;
  /** @returns false when there was none */
  delete(namespace: string, name: string): Promise<boolean>;
  /** The namespaces that have at least one, in order. */
  namespaces(): Promise<readonly string[]>;
}

const columns = `namespace, name, uid, controller, authority, spec, before, written, origin, trouble,
  created_at as "createdAt", updated_at as "updatedAt", requester`;

const putText = `
insert into client_verifications as old
  (namespace, name, uid, controller, authority, spec, before, written, trouble, origin, created_at, updated_at, requester)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
on conflict (namespace, name) do update set
  uid = excluded.uid, controller = excluded.controller, authority = excluded.authority, spec = excluded.spec,
  before = excluded.before, written = excluded.written, trouble = excluded.trouble, origin = excluded.origin,
  updated_at = excluded.updated_at, requester = excluded.requester,
  created_at = case when old.uid = excluded.uid then old.created_at else excluded.created_at end
returning ${columns}`;

export function createClientVerificationStore(db: Database): ClientVerificationStore {
  return {
    async put(record) {
      const { namespace, name, uid, controller, authority, origin, createdAt, updatedAt, requester } = record;
      const json = [record.spec, record.before, record.written, record.trouble].map((value) =>
        JSON.stringify(value),
      );
      const [row] = await db.query<ClientVerificationRecord>({
        text: putText,
        values: [
          ...[namespace, name, uid, controller, authority],
          ...json,
          ...[origin, createdAt, updatedAt, requester],
        ],
      });
      if (row === undefined) throw new Error(`Client verification of ${namespace}/${name} was not recorded`);
      return row;
    },
    async find(namespace, name) {
      const [row] = await db.query<ClientVerificationRecord>({
        text: `select ${columns} from client_verifications where namespace = $1 and name = $2`,
        values: [namespace, name],
      });
      return row;
    },
    list: () =>
      db.query<ClientVerificationRecord>({
        text: `select ${columns} from client_verifications order by namespace, name`,
      }),
    async version() {
      // By the transactions that wrote the rows: no clock has a part in it, and a row deleted for another shows too.
      const [row] = await db.query<{ version: string }>({
        name: 'client-verifications-version',
        text: `select count(*) || ':' || coalesce(sum(hashtextextended(namespace || '/' || name, xmin::text::bigint)), 0)
          as version from client_verifications`,
      });
      return row?.version ?? '';
    },
    async delete(namespace, name) {
      const rows = await db.query({
        text: 'delete from client_verifications where namespace = $1 and name = $2 returning name',
        values: [namespace, name],
      });
      return rows.length > 0;
    },
    async namespaces() {
      const rows = await db.query<{ namespace: string }>({
        text: 'select distinct namespace from client_verifications order by namespace',
      });
      return rows.map((row) => row.namespace);
    },
  };
}
