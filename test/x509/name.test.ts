import 'reflect-metadata';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Name as PeculiarName } from '@peculiar/x509';
import fc from 'fast-check';
import { objectIdentifier, sequence, setOf, tlv } from '../../src/encoding/der-writer.ts';
import { attributeLabel, commonNameOf, formatName, parseName, readName } from '../../src/x509/name.ts';
import { skipUnless } from '../support/skip.ts';
import { buildCsr } from './build-csr.ts';
import { openssl } from './openssl.ts';
import { throwsX509 } from './throws.ts';

const CN = '2.5.4.3';
const O = '2.5.4.10';

function ava(type: string, stringTag: number, content: Buffer | string): Buffer {
  return sequence(objectIdentifier(type), tlv(stringTag, Buffer.from(content)));
}

function nameOf(...rdns: readonly Buffer[][]): Buffer {
  return sequence(...rdns.map((members) => setOf(...members)));
}

test('decodes every string type and keeps the bytes', () => {
  const strings: [tag: number, content: Buffer, value: string][] = [
    [0x0c, Buffer.from('Jürgen 器', 'utf8'), 'Jürgen 器'],
    [0x13, Buffer.from('Acme (EU)'), 'Acme (EU)'],
    [0x16, Buffer.from('a@b.example'), 'a@b.example'],
    [0x12, Buffer.from('12 34'), '12 34'],
    [0x14, Buffer.from('Jürgen', 'latin1'), 'Jürgen'],
    [0x1e, Buffer.from('004a00fc5668', 'hex'), 'Jü器'],
    [0x1c, Buffer.from('0000004a0001f600', 'hex'), 'J😀'],
  ];
  for (const [stringTag, content, value] of strings) {
    const der = nameOf([ava(CN, stringTag, content)]);
    const name = readName(der);
    assert.deepEqual(name.rdns, [[{ type: CN, stringTag, value }]]);
    assert.equal(name.der.buffer, der.buffer);
    assert.ok(name.der.equals(der));
  }
});

test('refuses values that are empty, out of their set, or hold control characters', () => {
  const bad: Record<string, [tag: number, content: string]> = {
    empty: [0x0c, ''],
    blank: [0x0c, '2020'],
    NUL: [0x0c, '610062'],
    'line feed': [0x0c, '610a62'],
    DEL: [0x16, '617f62'],
    'C1 control': [0x0c, '61c28562'],
    'C1 control in Latin-1': [0x14, '618562'],
    'line separator': [0x0c, '61e280a862'],
    'right-to-left override': [0x0c, '61e280ae62'],
    'bad UTF-8': [0x0c, 'c3'],
    'overlong UTF-8': [0x0c, 'c0af'],
    'UTF-8 surrogate': [0x0c, 'eda080'],
    'asterisk in PrintableString': [0x13, '2a'],
    'Latin-1 in IA5String': [0x16, 'fc'],
    'letter in NumericString': [0x12, '61'],
    'odd BMPString': [0x1e, '004100'],
    'surrogate in BMPString': [0x1e, 'd83dde00'],
    'NUL in BMPString': [0x1e, '00410000'],
    'above Unicode in UniversalString': [0x1c, '00110000'],
    'OCTET STRING': [0x04, '61'],
    INTEGER: [0x02, '61'],
  };
  for (const [problem, [stringTag, hex]] of Object.entries(bad)) {
    const der = nameOf([ava(CN, stringTag, Buffer.from(hex, 'hex'))]);
    throwsX509(() => readName(der, 'csr.subject'), 'name-malformed', 'csr.subject.CN');
    assert.ok(problem);
  }
});

test('reads multi-valued RDNs, in DER order only and with each type once', () => {
  const cn = ava(CN, 0x0c, 'a');
  const o = ava(O, 0x0c, 'b');
  const name = readName(nameOf([o, cn]));
  assert.equal(name.rdns.length, 1);
  assert.equal(formatName(name), 'O=b+CN=a');
  throwsX509(() => readName(sequence(tlv(0x31, o, cn))), 'name-malformed', 'name');
  throwsX509(() => readName(nameOf([cn, ava(CN, 0x0c, 'z')])), 'name-malformed', 'name.CN');
  throwsX509(() => readName(sequence(tlv(0x31))), 'name-malformed', 'name');
  throwsX509(() => readName(Buffer.concat([nameOf([cn]), Buffer.of(0)])), 'name-malformed', 'name');
});

test('an empty name has no RDNs', () => {
  const name = readName(Buffer.from('3000', 'hex'));
  assert.deepEqual(name.rdns, []);
  assert.equal(formatName(name), '');
  assert.equal(commonNameOf(name), undefined);
});

test('commonNameOf takes the most specific', () => {
  assert.equal(commonNameOf(parseName('CN=leaf,CN=parent,O=x')), 'leaf');
});

test('attributeLabel falls back to the OID', () => {
  assert.equal(attributeLabel('2.5.4.10'), 'O');
  assert.equal(attributeLabel('1.2.3.4'), '1.2.3.4');
});

/** Names that try every escape. */
const awkward: readonly Buffer[] = [
  nameOf([ava('2.5.4.6', 0x13, 'DE')], [ava(O, 0x0c, 'Acme, "Inc"; <x>+\\')], [ava(CN, 0x0c, '#first')]),
  nameOf([ava(CN, 0x0c, ' both ends ')], [ava('2.5.4.11', 0x0c, 'a=b')]),
  nameOf([ava(O, 0x14, Buffer.from('Müller', 'latin1')), ava(CN, 0x0c, '器😀')]),
  nameOf([ava(CN, 0x1e, Buffer.from('0041007a00fc', 'hex'))], [ava('1.2.3.4', 0x0c, 'unknown')]),
  nameOf(
    [ava('1.2.3.5', 0x1c, Buffer.from('0000004a0001f600', 'hex'))],
    [ava('1.2.3.6', 0x1e, Buffer.from('00fc', 'hex'))],
    [ava('1.2.3.7', 0x14, Buffer.from('fc', 'hex'))],
  ),
  nameOf(
    [ava('0.9.2342.19200300.100.1.25', 0x16, 'example')],
    [ava('0.9.2342.19200300.100.1.1', 0x0c, 'jdoe')],
    [ava('1.2.840.113549.1.9.1', 0x16, 'a@b.example')],
    ...['4', '5', '7', '8', '9', '12', '13', '15', '17', '41', '42', '43', '44', '46', '65'].map((n) => [
      ava(`2.5.4.${n}`, 0x13, `v${n}`),
    ]),
  ),
];

test('formats names as openssl does with RFC2253', (t) => {
  if (skipUnless(t, 'openssl')) return;
  for (const subject of awkward) {
    const csr = buildCsr({ subject });
    const args = ['req', '-inform', 'DER', '-in', 'csr', '-noout', '-subject', '-nameopt', 'RFC2253'];
    const printed = openssl(args, { csr })
      .trimEnd()
      .replace(/^subject=/, '');
    // trimEnd() took the blank behind the last backslash.
    assert.equal(formatName(readName(subject)).trimEnd(), printed);
  }
});

test('parses what it formats', () => {
  for (const der of awkward) {
    const parsed = parseName(formatName(readName(der)));
    assert.ok(parseName(formatName(parsed)).der.equals(parsed.der));
    const values = readName(der)
      .rdns.flat()
      .map(({ value }) => value);
    assert.deepEqual(
      parsed.rdns
        .flat()
        .map(({ value }) => value)
        .sort(),
      values.sort(),
    );
  }
  const text = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
    .filter((s) => s.trim() !== '' && !/[\p{C}\p{Zl}\p{Zp}]/u.test(s));
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), (values) => {
      const der = nameOf(...values.map((value) => [ava(O, 0x0c, value)]));
      assert.ok(parseName(formatName(readName(der))).der.equals(der));
    }),
  );
});

test('parses configuration with the prescribed string types, most specific first', () => {
  const name = parseName('CN=internal-ca, OU=Platform+L=Köln , O=Acme\\, Inc, DC=example, C=DE');
  assert.deepEqual(
    name.rdns.flat().map(({ type, stringTag, value }) => [attributeLabel(type), stringTag, value]),
    [
      ['C', 0x13, 'DE'],
      ['DC', 0x16, 'example'],
      ['O', 0x0c, 'Acme, Inc'],
      ['L', 0x0c, 'Köln'],
      ['OU', 0x0c, 'Platform'],
      ['CN', 0x0c, 'internal-ca'],
    ],
  );
  assert.ok(parseName('cn=x').der.equals(parseName('2.5.4.3=x').der));
  assert.ok(parseName('1.2.3.4=#0C0161').der.equals(nameOf([ava('1.2.3.4', 0x0c, 'a')])));
});

test('encodes a name byte for byte as @peculiar/x509 does', () => {
  const json = [{ C: ['DE'] }, { O: [{ utf8String: 'Acme' }] }, { CN: [{ utf8String: 'internal-ca' }] }];
  const expected = Buffer.from(new PeculiarName(json).toArrayBuffer());
  assert.ok(parseName('CN=internal-ca,O=Acme,C=DE').der.equals(expected));
});

test('refuses text that is no name', () => {
  const bad = [
    '',
    'CN',
    'CN=',
    'CN=a,',
    'CN=a;O=b',
    'XX=a',
    '9.9.9=a',
    'CN=a\\',
    'CN=\\ff',
    'CN=a\nb',
    'CN=#zz',
    'CN=#0C02',
    'C=DEU',
    'C=D1',
    'DC=kölner',
    'C=\u0144E',
    `O=${'x'.repeat(65)}`,
    'CN="quoted"',
  ];
  for (const text of bad) {
    assert.throws(() => parseName(text), { name: 'X509Error', code: 'name-malformed' }, text);
  }
});
