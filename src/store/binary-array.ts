/**
 * Arrays as parameters in PostgreSQL's binary format (array_send in arrayfuncs.c): a Buffer goes to the server as it is, where
 * the driver would write an array as text, with each bytea in hex and each date in the local time, for the server to parse.
 */

/** Object identifiers of the element types (pg_type.dat). */
const oid = { bool: 16, bytea: 17, int8: 20, text: 25, timestamptz: 1184 } as const;

/** Number of dimensions, whether there are nulls, element type, length, lower bound: an int32 each. */
const headerOctets = 20;
const lengthOctets = 4;

export function byteaArray(values: readonly (Buffer | null)[]): Buffer {
  return encode(
    oid.bytea,
    values,
    (value) => value.length,
    (value, into, at) => value.copy(into, at),
  );
}

export function textArray(values: readonly (string | null)[]): Buffer {
  return encode(
    oid.text,
    values,
    (value) => Buffer.byteLength(value),
    (value, into, at) => into.write(value, at),
  );
}

export function booleanArray(values: readonly boolean[]): Buffer {
  return encode(
    oid.bool,
    values,
    () => 1,
    (value, into, at) => into.writeUInt8(value ? 1 : 0, at),
  );
}

export function bigintArray(values: readonly (bigint | null)[]): Buffer {
  return encode(
    oid.int8,
    values,
    () => 8,
    (value, into, at) => into.writeBigInt64BE(value, at),
  );
}

const epoch2000 = Date.UTC(2000, 0, 1);

/** timestamptz: microseconds since 2000-01-01T00:00:00Z in an int64. */
export function timestampArray(values: readonly Date[]): Buffer {
  return encode(
    oid.timestamptz,
    values,
    () => 8,
    (value, into, at) => into.writeBigInt64BE(BigInt(value.getTime() - epoch2000) * 1000n, at),
  );
}

function encode<Value>(
  elementType: number,
  values: readonly (Value | null)[],
  lengthOf: (value: Value) => number,
  write: (value: Value, into: Buffer, at: number) => void,
): Buffer {
  const lengths = values.map((value) => (value === null ? -1 : lengthOf(value)));
  const octets = lengths.reduce((sum, length) => sum + lengthOctets + Math.max(length, 0), headerOctets);
  const array = Buffer.allocUnsafe(octets);
  let at = array.writeInt32BE(1, 0);
  at = array.writeInt32BE(lengths.includes(-1) ? 1 : 0, at);
  at = array.writeInt32BE(elementType, at);
  at = array.writeInt32BE(values.length, at);
  at = array.writeInt32BE(1, at);
  for (const [index, value] of values.entries()) {
    const length = lengths[index] ?? -1;
    at = array.writeInt32BE(length, at);
    if (value === null) continue;
    write(value, array, at);
    at += length;
  }
  return array;
}
