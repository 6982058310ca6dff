import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sequence, tlv } from '../../src/encoding/der-writer.ts';
import { encodeRevokedEntry } from '../../src/x509/crl.ts';
import { datedUntil, endOf, serialAt, withoutExtensions } from '../../src/x509/crl-walk.ts';
import { revocationReasons } from '../../src/x509/revocation-reason.ts';

const revocationDate = new Date('2026-11-23T12:00:00Z');

test('entries lose their reason codes, and nothing else', () => {
  const serials = [
    Buffer.of(0),
    Buffer.of(1),
    Buffer.alloc(16, 0x7a),
    Buffer.of(0x80),
    Buffer.alloc(20, 0x11),
  ];
  const all = serials.flatMap((serial) => revocationReasons.map((reason) => ({ serial, reason })));
  const entries = Buffer.concat(all.map((entry) => encodeRevokedEntry({ ...entry, revocationDate })));
  const bare = Buffer.concat(all.map(({ serial }) => encodeRevokedEntry({ serial, revocationDate })));
  assert.ok(withoutExtensions(entries).equals(bare));
  assert.ok(withoutExtensions(bare).equals(bare));
  let at = 0;
  for (const serial of serials.flatMap((one) => revocationReasons.map(() => one))) {
    assert.deepEqual(serialAt(bare, at), serial);
    at = endOf(bare, at);
  }
});

test('dates after a time become that time; no others, and no other octet, change', () => {
  const latest = new Date('2026-11-23T12:00:00Z');
  const entry = (date: string) =>
    encodeRevokedEntry({ serial: Buffer.of(7), revocationDate: new Date(date), reason: 'superseded' });
  const at = entry('2026-11-23T12:00:00Z');
  const rows: [string, Buffer][] = [
    ['2026-11-23T12:00:01Z', at],
    ['2049-12-31T23:59:59Z', at],
    ['2026-11-23T12:00:00Z', at],
    ['2026-11-23T11:59:59Z', entry('2026-11-23T11:59:59Z')],
    ['1999-12-31T23:59:59Z', entry('1999-12-31T23:59:59Z')],
  ];
  for (const [date, expected] of rows) {
    const given = entry(date);
    assert.ok(datedUntil(given, latest).equals(expected), date);
    assert.ok(given.equals(entry(date)), 'what was given stays');
  }
  const all = Buffer.concat(rows.map(([date]) => entry(date)));
  assert.ok(datedUntil(all, latest).equals(Buffer.concat(rows.map(([, expected]) => expected))));
});

test('dates after 2050 are held to a time as well', () => {
  const entry = (date: string) =>
    encodeRevokedEntry({ serial: Buffer.of(7), revocationDate: new Date(date) });
  const latest = new Date('2051-03-01T00:00:00Z');
  assert.ok(datedUntil(entry('2052-01-01T00:00:00Z'), latest).equals(entry('2051-03-01T00:00:00Z')));
  for (const date of ['2050-01-01T00:00:00Z', '2049-01-01T00:00:00Z', '1999-01-01T00:00:00Z'])
    assert.ok(datedUntil(entry(date), latest).equals(entry(date)), date);
});

test('an entry of more than 127 octets is walked over too', () => {
  const long = sequence(
    Buffer.from('020105', 'hex'),
    Buffer.from('170d3236313132333135343030305a', 'hex'),
    sequence(tlv(0x04, Buffer.alloc(300))),
  );
  assert.equal(endOf(long, 0), long.length);
  assert.deepEqual(serialAt(long, 0), Buffer.of(5));
  assert.equal(withoutExtensions(long).toString('hex'), '3012020105170d3236313132333135343030305a');
});

test('what is cut off is an error, at every octet', () => {
  const entry = encodeRevokedEntry({ serial: Buffer.alloc(16, 3), revocationDate, reason: 'superseded' });
  for (let length = 1; length < entry.length; length += 1)
    assert.throws(() => withoutExtensions(entry.subarray(0, length)), { name: 'DerError' }, `${length}`);
});
