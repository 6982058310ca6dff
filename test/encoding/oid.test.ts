import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DerError } from '../../src/encoding/der-error.ts';
import { decodeOid, encodeOidContent } from '../../src/encoding/oid.ts';

const known: readonly [dotted: string, hex: string][] = [
  ['0.0', '00'],
  ['1.3.6.1.5.5.7.3.2', '2b06010505070302'],
  ['2.5.4.3', '550403'],
  ['2.999.1', '883701'],
  ['1.2.840.113549.1.9.14', '2a864886f70d01090e'],
  // X.667: a UUID arc, beyond what a Number holds.
  ['2.25.329800735698586629295641978511506172918', '6983f09da7ebcfdee0c7a1a7b2c0948cc8f9d776'],
];

test('encodes and decodes known object identifiers', () => {
  for (const [dotted, hex] of known) {
    assert.equal(encodeOidContent(dotted).toString('hex'), hex);
    assert.equal(decodeOid(Buffer.from(hex, 'hex')), dotted);
  }
});

test('reads back whatever it writes', () => {
  const arc = fc.bigInt({ min: 0n, max: 2n ** 128n });
  fc.assert(
    fc.property(
      fc.constantFrom(0n, 1n, 2n),
      fc.array(arc, { minLength: 1, maxLength: 3 }),
      (first, [second, ...rest]) => {
        const dotted = [first, first < 2n ? (second ?? 0n) % 40n : second, ...rest].join('.');
        const content = encodeOidContent(dotted);
        if (content.length <= 64) assert.equal(decodeOid(content), dotted);
      },
    ),
  );
});

test('refuses content that is empty, cut off, padded or too long', () => {
  for (const hex of ['', '86', '2b86', '2b8001', '8001', '01'.repeat(65)]) {
    assert.throws(() => decodeOid(Buffer.from(hex, 'hex')), DerError, hex);
  }
});

test('refuses text that is no object identifier', () => {
  for (const text of ['', '1', '3.1', '1.40', '1.2.', '1.02', '1.a', '1 .2']) {
    assert.throws(() => encodeOidContent(text), RangeError, text);
  }
});
