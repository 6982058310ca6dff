import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DerError } from '../../src/encoding/der-error.ts';
import { DerReader } from '../../src/encoding/der-reader.ts';
import { encodeTime, readTime } from '../../src/x509/time.ts';

function encoded(iso: string): string {
  const bytes = encodeTime(new Date(iso));
  return `${bytes.toString('hex', 0, 2)} ${bytes.toString('latin1', 2)}`;
}

test('UTCTime up to the last second of 2049, GeneralizedTime from 2050', () => {
  assert.equal(encoded('2049-12-31T23:59:59.999Z'), '170d 491231235959Z');
  assert.equal(encoded('2050-01-01T00:00:00Z'), '180f 20500101000000Z');
  assert.equal(encoded('1950-01-01T00:00:00Z'), '170d 500101000000Z');
  assert.equal(encoded('1949-12-31T23:59:59Z'), '180f 19491231235959Z');
  assert.equal(encoded('9999-12-31T23:59:59Z'), '180f 99991231235959Z');
});

test('refuses years above 9999 and no date at all', () => {
  assert.throws(() => encodeTime(new Date('+010000-01-01T00:00:00Z')), RangeError);
  assert.throws(() => encodeTime(new Date(Number.NaN)), RangeError);
});

test('reads back every whole second', () => {
  const seconds = fc.integer({ min: Date.UTC(1000, 0) / 1000, max: Date.UTC(9999, 11, 31) / 1000 });
  fc.assert(
    fc.property(seconds, (second) => {
      const date = new Date(second * 1000);
      assert.deepEqual(readTime(new DerReader(encodeTime(date))), date);
    }),
  );
});

test('refuses times that RFC 5280 does not allow', () => {
  const bad: [tag: number, text: string][] = [
    [0x17, '2611231540Z'],
    [0x17, '261123154000'],
    [0x17, '261123154000+0100'],
    [0x17, '260230000000Z'],
    [0x17, '261123240000Z'],
    [0x17, '26112315400aZ'],
    [0x18, '20261123154000.5Z'],
    [0x18, '261123154000Z'],
    [0x18, '20261323154000Z'],
    [0x17, ''],
    [0x16, '261123154000Z'],
  ];
  for (const [identifier, text] of bad) {
    const der = Buffer.from([identifier, text.length, ...Buffer.from(text)]);
    assert.throws(() => readTime(new DerReader(der)), DerError, text);
  }
});
