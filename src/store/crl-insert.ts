import { createHash } from 'node:crypto';
import { type CrlRow, crlColumns, crlOf } from './crl-row.ts';
import type { BuiltCrl, StoredCrl } from './crls.ts';
import type { Transaction } from './database.ts';

const copyText = `copy crls (authority, number, this_update, next_update, entry_count, size_bytes, created_at,
  position, delta_base, compact, delta, der, sha256) from stdin (format binary)`;

export interface NewCrl extends BuiltCrl {
  readonly authority: string;
  readonly number: bigint;
  readonly entryCount: number;
  readonly position: bigint;
  readonly createdAt: Date;
}

/** Records a CRL and that there was one, without a copy of its bytes in our memory. */
export async function insertCrl(tx: Transaction, crl: NewCrl): Promise<StoredCrl> {
  await tx.copyIn(copyText, rowOf(crl));
  await tx.query({
    text: `insert into crl_history (authority, number, position, this_update, next_update)
      values ($1, $2, $3, $4, $5)`,
    values: [crl.authority, crl.number, crl.position, crl.thisUpdate, crl.nextUpdate],
  });
  const [row] = await tx.query<CrlRow>({
    text: `select ${crlColumns} from crls where authority = $1 and number = $2`,
    values: [crl.authority, crl.number],
  });
  if (row === undefined) throw new Error('The CRL was not recorded');
  return crlOf(row);
}

/** What COPY calls binary: a signature, flags and the length of an extension; rows; an end. */
const preamble = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
const end = int16(-1);
const columns = 13;

/** The hash comes last: it is made while the server takes what it is of. */
function* rowOf(crl: NewCrl): Generator<Buffer> {
  yield Buffer.concat([
    preamble,
    int16(columns),
    field(Buffer.from(crl.authority)),
    field(int64(crl.number)),
    field(timestamp(crl.thisUpdate)),
    field(timestamp(crl.nextUpdate)),
    field(int32(crl.entryCount)),
    field(int32(octetsOf(crl.der))),
    field(timestamp(crl.createdAt)),
    field(int64(crl.position)),
    field(crl.delta && int64(crl.delta.baseNumber)),
  ]);
  for (const chunks of [crl.compact && [crl.compact], crl.delta?.der]) {
    yield int32(chunks === undefined ? -1 : octetsOf(chunks));
    yield* chunks ?? [];
  }
  const hash = createHash('sha256');
  yield int32(octetsOf(crl.der));
  for (const chunk of crl.der) {
    hash.update(chunk);
    yield chunk;
  }
  yield field(hash.digest());
  yield end;
}

function octetsOf(chunks: readonly Buffer[]): number {
  return chunks.reduce((total, { length }) => total + length, 0);
}

/** Undefined: null. */
function field(value: Buffer | undefined): Buffer {
  return value === undefined ? int32(-1) : Buffer.concat([int32(value.length), value]);
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}

const epoch2000 = Date.UTC(2000, 0, 1);

/** timestamptz: microseconds since 2000-01-01T00:00:00Z. */
function timestamp(date: Date): Buffer {
  return int64(BigInt(date.getTime() - epoch2000) * 1000n);
}
