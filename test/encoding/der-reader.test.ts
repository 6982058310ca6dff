import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DerError } from '../../src/encoding/der-error.ts';
import { DerReader } from '../../src/encoding/der-reader.ts';

function reader(hex: string): DerReader {
  return new DerReader(Buffer.from(hex, 'hex'));
}

test('refuses lengths that are not DER', () => {
  const malformed = {
    indefinite: '30800000',
    'long form below 128': '3081' + '01' + '00',
    'leading zero in the length': '30820001' + '00',
    'five octets of length': '308500000000' + '01' + '00',
    'reserved first octet': '30ff',
    'cut off in the length': '3082',
    'no length': '30',
    'longer than the input': '3002' + '05',
    'multi-octet tag': '3f8101' + '00',
    'end-of-contents': '0000',
    nothing: '',
  };
  for (const [name, hex] of Object.entries(malformed)) {
    assert.throws(() => reader(hex).element(), DerError, name);
  }
});

test('an element may not reach beyond what holds it', () => {
  const outer = reader('3003' + '040201ff' + '00');
  assert.throws(() => outer.sequence().octetString(), DerError);
});

test('reads only the type that is asked for', () => {
  assert.throws(() => reader('0500').boolean(), /Expected tag 01, found 05/);
});

test('finish refuses trailing bytes', () => {
  const outer = reader('050000');
  outer.null();
  assert.throws(() => outer.finish(), DerError);
});

test('refuses values that have a shorter or another encoding', () => {
  assert.throws(() => reader('010101').boolean(), DerError);
  assert.throws(() => reader('0100').boolean(), DerError);
  assert.throws(() => reader('050100').null(), DerError);
  assert.throws(() => reader('0200').integerContent(), DerError);
  assert.throws(() => reader('02020001').integerContent(), DerError);
  assert.throws(() => reader('0202ffff').integerContent(), DerError);
  assert.throws(() => reader('020100').positiveInteger(), DerError);
  assert.throws(() => reader('0201ff').positiveInteger(), DerError);
  assert.throws(() => reader('0201ff').unsignedInteger(), DerError);
  assert.deepEqual(reader('020100').unsignedInteger(), Buffer.of(0));
  assert.deepEqual(reader('02020080').unsignedInteger(), Buffer.of(0x80));
  assert.throws(() => reader('02050100000000').smallInteger(), DerError);
  assert.throws(() => reader('0300').bitStringOctets(), DerError);
  assert.throws(() => reader('030201fe').bitStringOctets(), DerError);
});

test('refuses bit lists with unused bits set, and lets trailing zero bits pass', () => {
  for (const hex of ['0300', '030101', '03020800', '03020781', '03020101']) {
    assert.throws(() => reader(hex).namedBits(), DerError, hex);
  }
  assert.deepEqual(reader('030100').namedBits(), []);
  assert.deepEqual(reader('03020106').namedBits(), [5, 6]);
  assert.deepEqual(reader('03020006').namedBits(), [5, 6]);
  assert.deepEqual(reader('0303070600').namedBits(), [5, 6]);
});

test('reads values and views without copying', () => {
  const bytes = Buffer.from('3009' + '02020080' + '0403010203', 'hex');
  const inner = new DerReader(bytes).sequence();
  assert.equal(inner.positiveInteger().toString('hex'), '80');
  const octets = inner.octetString();
  assert.equal(octets.toString('hex'), '010203');
  assert.equal(octets.buffer, bytes.buffer);
  assert.ok(inner.atEnd);
});

test('nesting is bounded', () => {
  const nested = Buffer.alloc(80);
  for (let at = 0; at < 40; at += 1) nested.set([0x30, 78 - 2 * at], 2 * at);
  assert.throws(() => {
    for (let inner = new DerReader(nested); ; ) inner = inner.sequence();
  }, /nested too deeply/);
});

test('any bytes give elements or a DerError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const input = new DerReader(bytes);
      let total = 0;
      try {
        while (!input.atEnd) total += input.element().length;
        assert.equal(total, bytes.length);
      } catch (error) {
        assert.ok(error instanceof DerError);
      }
    }),
  );
});
