import pg from 'pg';
import { Fault } from '../fault.ts';
import { byteaArray, textArray, timestampArray } from './binary-array.ts';
import type { CertificateRecord, InsertOutcome } from './certificates.ts';
import type { Database } from './database.ts';

/** One statement has a cost of its own and each commit one wait for the disk; rows in company share both. */
const rowsPerStatement = 256;
/** While one statement waits for the disk, the other is parsed and executed. */
const statementsInFlight = 2;

interface Waiting {
  readonly record: CertificateRecord;
  resolve(outcome: InsertOutcome): void;
  reject(error: unknown): void;
}

/** Groups the calls that wait while a write is in flight. No timer: a call that is alone is written at once. */
export function createCertificateInserter(
  db: Database,
): (record: CertificateRecord) => Promise<InsertOutcome> {
  const queue: Waiting[] = [];
  let inFlight = 0;

  function launch(): void {
    while (inFlight < statementsInFlight && queue.length > 0) {
      inFlight++;
      void write(db, queue.splice(0, rowsPerStatement)).finally(() => {
        inFlight--;
        launch();
      });
    }
  }

  return (record) =>
    new Promise((resolve, reject) => {
      queue.push({ record, resolve, reject });
      launch();
    });
}

/**
 * Never rejects: every row gets its own answer. A statement fails as a whole, so when a row is the cause, its halves
 * are written on their own until that row stands alone.
 */
async function write(db: Database, group: readonly Waiting[]): Promise<void> {
  try {
    const outcomes = await insertRows(
      db,
      group.map((waiting) => waiting.record),
    );
    for (const [index, waiting] of group.entries()) {
      const outcome = outcomes[index];
      if (outcome === undefined) waiting.reject(new Error('The insert did not answer for every row'));
      else waiting.resolve(outcome);
    }
  } catch (error) {
    if (error instanceof Fault || group.length === 1) {
      for (const waiting of group) waiting.reject(explain(error));
      return;
    }
    const middle = group.length >> 1;
    await write(db, group.slice(0, middle));
    await write(db, group.slice(middle));
  }
}

/** What is wrong with one row, for its caller. */
function explain(error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError)) return error;
  if (error.code === '23505')
    return new Fault('conflict', 'The serial number exists already', { cause: error });
  // Class 22: a character that the database cannot hold (NUL); 54: a name too long for an index.
  if (/^(22|54)/.test(error.code ?? '')) {
    return new Fault('request-invalid', `A value cannot be recorded: ${error.message}`, { cause: error });
  }
  return error;
}

const columns = [
  ['serial', 'bytea'],
  ['authority', 'text'],
  ['profile', 'text'],
  ['subject', 'text'],
  ['common_name', 'text'],
  ['sans', 'text'],
  ['not_before', 'timestamptz'],
  ['not_after', 'timestamptz'],
  ['requester', 'text'],
  ['spki_sha256', 'bytea'],
  ['fingerprint', 'bytea'],
  ['metadata', 'text'],
  ['created_at', 'timestamptz'],
  ['idempotency_key', 'text'],
  ['request_hash', 'bytea'],
  ['der', 'bytea'],
] as const;

const casts: Readonly<Record<string, string>> = { sans: 'sans::text[]', metadata: 'metadata::jsonb' };

/** Parts of a statement: the columns, as unnest is given them (`certificateValues`), and as the table takes them. */
export const certificateColumnTexts = {
  names: columns.map(([name]) => name).join(', '),
  given: columns.map(([, type], index) => `$${index + 1}::${type}[]`).join(', '),
  inserted: columns.map(([name]) => casts[name] ?? name).join(', '),
};
const { names, given, inserted } = certificateColumnTexts;

/**
 * The order of the inserts is the same in every statement, so that two that meet on Idempotency-Keys wait for each
 * other and never in a circle.
 */
const insertText = `
with input as materialized (
  select * from unnest(${given}) with ordinality as given (${names}, n)
), blocked as materialized (
  select n from input join blocked_keys using (spki_sha256)
), inserted as (
  insert into certificates (${names})
  select ${inserted} from input
  where n not in (select n from blocked)
  order by requester, idempotency_key, n
  on conflict (requester, idempotency_key) where idempotency_key is not null do nothing
  returning serial, fingerprint
)
select case
    when blocked.n is not null then 'key-blocked'
    when inserted.serial is not null then 'inserted'
    else 'idempotency-conflict'
  end as outcome
from input
left join blocked using (n)
left join inserted using (serial, fingerprint)
order by n`;

async function insertRows(db: Database, records: readonly CertificateRecord[]): Promise<InsertOutcome[]> {
  const rows = await db.query<{ outcome: InsertOutcome }>({
    name: 'certificates-insert',
    text: insertText,
    values: certificateValues(records),
  });
  return rows.map((row) => row.outcome);
}

export function certificateValues(records: readonly CertificateRecord[]): Buffer[] {
  return [
    byteaArray(records.map((record) => Buffer.from(record.serial, 'hex'))),
    textArray(records.map((record) => record.authority)),
    textArray(records.map((record) => record.profile)),
    textArray(records.map((record) => record.subject)),
    textArray(records.map((record) => record.commonName)),
    textArray(records.map((record) => arrayLiteral(record.sans))),
    timestampArray(records.map((record) => record.notBefore)),
    timestampArray(records.map((record) => record.notAfter)),
    textArray(records.map((record) => record.requester)),
    byteaArray(records.map((record) => record.spkiSha256)),
    byteaArray(records.map((record) => Buffer.from(record.fingerprint, 'hex'))),
    textArray(records.map((record) => JSON.stringify(record.metadata))),
    timestampArray(records.map((record) => record.createdAt)),
    textArray(records.map((record) => record.idempotency?.key ?? null)),
    byteaArray(records.map((record) => record.idempotency?.requestHash ?? null)),
    byteaArray(records.map((record) => record.der)),
  ];
}

/** A text[] as a literal, since unnest() would flatten an array of arrays. */
function arrayLiteral(items: readonly string[]): string {
  return `{${items.map((item) => `"${item.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;
}
