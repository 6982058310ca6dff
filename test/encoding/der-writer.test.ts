import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DerReader } from '../../src/encoding/der-reader.ts';
import {
  bitString,
  boolean,
  header,
  headerLength,
  integer,
  namedBits,
  nullValue,
  octetString,
  sequence,
  setOf,
  unsignedInteger,
} from '../../src/encoding/der-writer.ts';

function hex(bytes: Buffer): string {
  return bytes.toString('hex');
}

test('writes the shortest length for every size', () => {
  assert.equal(hex(header(0x30, 0)), '3000');
  assert.equal(hex(header(0x30, 0x7f)), '307f');
  assert.equal(hex(header(0x30, 0x80)), '308180');
  assert.equal(hex(header(0x30, 0xff)), '3081ff');
  assert.equal(hex(header(0x30, 0x100)), '30820100');
  assert.equal(hex(header(0x30, 0xffff)), '3082ffff');
  assert.equal(hex(header(0x30, 0x10000)), '3083010000');
  assert.equal(hex(header(0x30, 0x1000000)), '308401000000');
  for (const length of [0, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000, 0xffffff, 0x1000000]) {
    assert.equal(headerLength(length), header(0x30, length).length);
  }
});

test('writes integers in the fewest octets', () => {
  const values: [bigint, string][] = [
    [0n, '020100'],
    [127n, '02017f'],
    [128n, '02020080'],
    [256n, '02020100'],
    [-1n, '0201ff'],
    [-128n, '020180'],
    [-129n, '0202ff7f'],
    [65537n, '0203010001'],
  ];
  for (const [value, expected] of values) assert.equal(hex(integer(value)), expected);
});

test('keeps a magnitude positive and drops its leading zeros', () => {
  assert.equal(hex(unsignedInteger(Buffer.from('80', 'hex'))), '02020080');
  assert.equal(hex(unsignedInteger(Buffer.from('00007f', 'hex'))), '02017f');
  assert.equal(hex(unsignedInteger(Buffer.from('0000', 'hex'))), '020100');
  assert.equal(hex(unsignedInteger(Buffer.alloc(0))), '020100');
});

test('drops trailing zero bits of a named bit list', () => {
  assert.equal(hex(namedBits([0])), '03020780');
  assert.equal(hex(namedBits([5, 6])), '03020106');
  assert.equal(hex(namedBits([0, 8])), '0303078080');
  assert.equal(hex(namedBits([])), '030100');
});

test('sorts a SET OF', () => {
  assert.equal(hex(setOf(integer(2), integer(1), octetString(Buffer.alloc(0)))), '3108020101020102' + '0400');
});

test('writes the small types', () => {
  assert.equal(
    hex(sequence(boolean(true), boolean(false), nullValue())),
    '3008' + '0101ff' + '010100' + '0500',
  );
  assert.equal(hex(bitString(Buffer.of(0xab))), '030200ab');
});

test('the reader gives back every integer written', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }), (value) => {
      const content = new DerReader(integer(value)).integerContent();
      assert.equal(BigInt.asIntN(content.length * 8, BigInt(`0x${hex(content)}`)), value);
    }),
  );
});

test('the reader gives back every bit list and nested octet string written', () => {
  const bits = fc.uniqueArray(fc.nat(40), { minLength: 1 });
  fc.assert(
    fc.property(bits, fc.uint8Array({ maxLength: 70_000 }), fc.nat(8), (list, octets, depth) => {
      const sorted = list.toSorted((a, b) => a - b);
      assert.deepEqual(new DerReader(namedBits(list)).namedBits(), sorted);
      let der = octetString(octets);
      for (let n = 0; n < depth; n += 1) der = sequence(der);
      let reader = new DerReader(der);
      for (let n = 0; n < depth; n += 1) reader = reader.sequence();
      assert.ok(reader.octetString().equals(octets));
      reader.finish();
    }),
  );
});
