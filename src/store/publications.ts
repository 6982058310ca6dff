import type { Queryable } from './database.ts';

export const copyReasons = ['own', 'configured', 'selector', 'enforced', 'named'] as const;

/**
 * Why there is a copy: the namespace is ours, configured by name, matched by the label selector, or has an enforced
 * Ingress; `named`: an Ingress that we do not enforce names it, so it stays and is kept current.
 */
export type CopyReason = (typeof copyReasons)[number];

export const copyStates = ['Current', 'Pending', 'Failed', 'Waiting'] as const;

/**
 * `Current`: known to be right. `Pending`: not looked at yet. `Failed`: see `error`; tried again by itself. `Waiting`:
 * it cannot be there at present and nothing is wrong; see `waitingFor`.
 */
export type CopyState = (typeof copyStates)[number];

export const crlForms = ['full', 'compact', 'none'] as const;

/**
 * How a copy carries the CRLs. `compact`: without reason codes, which no TLS server asks for. `none`: not at all, since
 * every Ingress that reads it asks us instead.
 */
export type CrlForm = (typeof crlForms)[number];

/** One place where the trust material lies, and what is known of it. */
export interface PublishedCopy {
  /** `secret:<namespace>/<name>`, `configmap:<namespace>/<name>`, `clustertrustbundle:<name>` or `directory:<path>`. */
  readonly target: string;
  readonly state: CopyState;
  readonly why: readonly CopyReason[];
  /** Decimal; absent when nothing was written or found yet, and where no CRL is kept. */
  readonly crlNumber?: string;
  /** Absent as above, and for the kinds that never carry one (ConfigMap, ClusterTrustBundle). */
  readonly crlForm?: CrlForm;
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

/** What is known of the copies in the cluster, for every replica to read. */
export interface PublicationStore {
  /** Ordered by target. */
  list(): Promise<PublishedCopy[]>;
  /** Puts and forgets rows, unless a later term has written them. */
  save(change: PublicationChange, epoch: bigint): Promise<void>;
  /** Forgets every row that is not of these targets, unless a later term has written it. */
  retain(targets: readonly string[], epoch: bigint): Promise<void>;
}

export interface PublicationChange {
  readonly put: readonly PublishedCopy[];
  /** Targets. */
  readonly forget: readonly string[];
}

interface Row {
  readonly target: string;
  readonly state: string;
  readonly why: readonly string[];
  readonly crl_number: string | null;
  readonly crl_form: string | null;
  readonly ca_fingerprints: string[];
  readonly written_at: Date | null;
  readonly size_bytes: number | null;
  readonly limit_bytes: number | null;
  readonly error: string | null;
  readonly waiting_for: string | null;
}

const columns = `target, state, why, crl_number, crl_form, ca_fingerprints, written_at, size_bytes, limit_bytes, error,
  waiting_for`;

const putText = `
insert into publications as old (${columns}, epoch)
select ${columns}, $2::bigint from jsonb_to_recordset($1::jsonb) as t(
  target text, state text, why text[], crl_number numeric, crl_form text, ca_fingerprints text[],
  written_at timestamptz, size_bytes integer, limit_bytes integer, error text, waiting_for text)
on conflict (target) do update set
  state = excluded.state, why = excluded.why, crl_number = excluded.crl_number,
  crl_form = excluded.crl_form, ca_fingerprints = excluded.ca_fingerprints, written_at = excluded.written_at, size_bytes = excluded.size_bytes,
  limit_bytes = excluded.limit_bytes, error = excluded.error, waiting_for = excluded.waiting_for,
  epoch = excluded.epoch, updated_at = now()
where old.epoch <= excluded.epoch`;

export function createPublicationStore(db: Queryable): PublicationStore {
  return {
    async list() {
      const rows = await db.query<Row>({
        name: 'publications-list',
        text: `select ${columns} from publications order by target`,
      });
      return rows.map(copyOf);
    },
    async save({ put, forget }, epoch) {
      if (put.length > 0) {
        await db.query({ text: putText, values: [JSON.stringify(put.map(rowOf)), epoch] });
      }
      if (forget.length > 0) {
        await db.query({
          text: 'delete from publications where target = any($1) and epoch <= $2',
          values: [forget, epoch],
        });
      }
    },
    async retain(targets, epoch) {
      await db.query({
        text: 'delete from publications where target <> all($1) and epoch <= $2',
        values: [targets, epoch],
      });
    },
  };
}

function rowOf(copy: PublishedCopy) {
  return {
    target: copy.target,
    state: copy.state,
    why: copy.why,
    crl_number: copy.crlNumber ?? null,
    crl_form: copy.crlForm ?? null,
    ca_fingerprints: copy.caFingerprints,
    written_at: copy.writtenAt ?? null,
    size_bytes: copy.sizeBytes ?? null,
    limit_bytes: copy.limitBytes ?? null,
    // What a text column does not hold; an API server's words may have it.
    error: copy.error?.replaceAll('\0', '').toWellFormed() ?? null,
    waiting_for: copy.waitingFor ?? null,
  };
}

function copyOf(row: Row): PublishedCopy {
  const crlForm = crlForms.find((form) => form === row.crl_form);
  return {
    target: row.target,
    // A word of a later version is none that this one may answer with.
    state: copyStates.find((state) => state === row.state) ?? 'Pending',
    why: copyReasons.filter((reason) => row.why.includes(reason)),
    caFingerprints: row.ca_fingerprints,
    ...(row.crl_number === null ? {} : { crlNumber: row.crl_number }),
    ...(crlForm === undefined ? {} : { crlForm }),
    ...(row.written_at === null ? {} : { writtenAt: row.written_at }),
    ...(row.size_bytes === null ? {} : { sizeBytes: row.size_bytes }),
    ...(row.limit_bytes === null ? {} : { limitBytes: row.limit_bytes }),
    ...(row.error === null ? {} : { error: row.error }),
    ...(row.waiting_for === null ? {} : { waitingFor: row.waiting_for }),
  };
}
