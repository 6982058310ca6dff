import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { Fault } from '../fault.ts';
import { booleanArray, byteaArray, textArray, timestampArray } from './binary-array.ts';
import { type CertificateRow, firstCrlText, revocationOf } from './certificate-row.ts';
import type { Database } from './database.ts';
import { changeIdText, closeChangeText } from './revocation-changes.ts';
import type { RevocationOutcome, RevocationRequest } from './revocations.ts';
import { octetsOfSerial } from './serial.ts';

const rowsPerStatement = 256;
/** Commits follow one another in any case (`revocation_head`); the second one is parsed and executed meanwhile. */
const statementsInFlight = 2;
/** A deadlock can only be with somebody who does not keep to our order of locks, such as a program of before. */
const deadlockRetries = 3;
const deadlockPauseMs = 20;

interface Waiting {
  readonly request: RevocationRequest;
  readonly serial: Buffer;
  resolve(outcome: RevocationOutcome): void;
  reject(error: unknown): void;
}

/** Groups the calls that wait while a write is in flight. No timer: a call that is alone is written at once. */
export function createRevocationInserter(
  db: Database,
): (request: RevocationRequest) => Promise<RevocationOutcome> {
  let queue: Waiting[] = [];
  let inFlight = 0;

  function launch(): void {
    while (inFlight < statementsInFlight && queue.length > 0) {
      const { group, rest } = takeGroup(queue);
      queue = rest;
      inFlight++;
      void write(db, group).finally(() => {
        inFlight--;
        launch();
      });
    }
  }

  return (request) =>
    new Promise((resolve, reject) => {
      const serial = octetsOfSerial(request.serial);
      if (serial === undefined) {
        reject(notFound(request));
        return;
      }
      queue.push({ request, serial, resolve, reject });
      launch();
    });
}

/** The same serial twice must not be in one statement: the second waits, and finds what the first has done. */
function takeGroup(queue: readonly Waiting[]): { group: Waiting[]; rest: Waiting[] } {
  const group: Waiting[] = [];
  const rest: Waiting[] = [];
  const serials = new Set<string>();
  for (const waiting of queue) {
    const { serial } = waiting.request;
    if (group.length === rowsPerStatement || serials.has(serial)) rest.push(waiting);
    else {
      serials.add(serial);
      group.push(waiting);
    }
  }
  return { group, rest };
}

/** Never rejects: every request gets its own answer. When a row makes the statement fail, the halves are tried. */
async function write(db: Database, group: readonly Waiting[], attempt = 1): Promise<void> {
  try {
    await answer(db, group, await insertRows(db, group));
  } catch (error) {
    if (isDeadlock(error) && attempt < deadlockRetries) {
      await pause(deadlockPauseMs * attempt);
      await write(db, group, attempt + 1);
    } else if (error instanceof Fault || group.length === 1) {
      for (const waiting of group) waiting.reject(error);
    } else {
      const middle = group.length >> 1;
      await write(db, group.slice(0, middle));
      await write(db, group.slice(middle));
    }
  }
}

function isDeadlock(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '40P01';
}

type RevocationRow = Pick<CertificateRow, 'revoked_at' | 'reason' | 'revoked_by' | 'first_crl'>;
type InsertOutcome = 'created' | 'revoked-before' | 'unknown';

/** The row lock keeps a certificate from being deleted in between. The order of the rows is that of everybody. */
const revokeText = `
with input as materialized (
  select * from unnest($1::bytea[], $2::text[], $3::timestamptz[], $4::boolean[], $5::bytea[], $6::text[],
    $7::text[], $8::boolean[]) with ordinality
    as given (serial, authority, revoked_at, block, entry, reason, requester, in_crl, n)
), certificate as materialized (
  select c.id, c.serial, c.authority, c.not_after, c.spki_sha256
  from certificates c join input using (serial, authority) order by c.serial for key share of c
), ${changeIdText}, blocked as (
  insert into blocked_keys (spki_sha256, serial, blocked_at)
  select distinct on (spki_sha256) spki_sha256, serial, revoked_at from certificate join input using (serial)
  where block order by spki_sha256
  on conflict do nothing
  returning 1
), created as (
  insert into revocations
    (serial, certificate_id, authority, entry, not_after, revoked_at, reason, requester, in_crl, change_id)
  select serial, c.id, c.authority, case when in_crl then entry else '' end, not_after, revoked_at, reason,
    requester, in_crl, change.id
  from certificate c join input using (serial) cross join change order by serial
  on conflict do nothing
  returning serial
), ${closeChangeText('created', 'blocked')}
select case
    when created.serial is not null then 'created'
    when certificate.serial is not null then 'revoked-before'
    else 'unknown'
  end as outcome
from input left join certificate using (serial, authority) left join created using (serial)
order by n`;

async function insertRows(db: Database, group: readonly Waiting[]): Promise<InsertOutcome[]> {
  const requests = group.map((waiting) => waiting.request);
  const rows = await db.query<{ outcome: InsertOutcome }>({
    name: 'revocations-insert',
    text: revokeText,
    values: [
      byteaArray(group.map((waiting) => waiting.serial)),
      textArray(requests.map((request) => request.authority)),
      timestampArray(requests.map((request) => request.revokedAt)),
      booleanArray(requests.map((request) => request.blockSpki)),
      byteaArray(requests.map((request) => request.entry)),
      textArray(requests.map((request) => request.reason)),
      textArray(requests.map((request) => request.requester)),
      booleanArray(requests.map((request) => request.inCrl !== false)),
    ],
  });
  return rows.map((row) => row.outcome);
}

async function answer(
  db: Database,
  group: readonly Waiting[],
  outcomes: readonly InsertOutcome[],
): Promise<void> {
  const before: Waiting[] = [];
  for (const [index, waiting] of group.entries()) {
    const outcome = outcomes[index];
    if (outcome === 'created') waiting.resolve(created(waiting.request));
    else if (outcome === 'revoked-before') before.push(waiting);
    else waiting.reject(notFound(waiting.request));
  }
  if (before.length === 0) return;
  try {
    await answerWithExisting(db, before);
  } catch (error) {
    for (const waiting of before) waiting.reject(error);
  }
}

/** A new statement sees what the other one, that was first, has committed meanwhile. */
async function answerWithExisting(db: Database, before: readonly Waiting[]): Promise<void> {
  const rows = await db.query<RevocationRow & { readonly serial: string }>({
    name: 'revocations-by-serial',
    text: `select encode(r.serial, 'hex') as serial, r.revoked_at, r.reason, r.requester as revoked_by,
        ${firstCrlText} as first_crl
      from revocations r where r.serial = any($1::bytea[])`,
    values: [byteaArray(before.map((waiting) => waiting.serial))],
  });
  const bySerial = new Map(rows.map((row) => [row.serial, revocationOf(row)]));
  for (const { request, resolve, reject } of before) {
    const revocation = bySerial.get(request.serial);
    // A hold that was released in this moment.
    if (revocation === undefined)
      reject(new Fault('conflict', `${request.serial} is being changed; try again`));
    else resolve({ revocation, created: false });
  }
}

function created({ revokedAt, reason, requester }: RevocationRequest): RevocationOutcome {
  return { revocation: { revokedAt, reason, requester }, created: true };
}

function notFound(request: RevocationRequest): Fault {
  return new Fault(
    'certificate-not-found',
    `${request.authority} has issued no certificate with the serial ${request.serial}`,
  );
}
