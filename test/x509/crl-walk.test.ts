import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sequence, tlv } from '../../src/encoding/der-writer.ts';
import { encodeRevokedEntry } from '../../src/x509/crl.ts';
import { endOf, serialAt, withoutExtensions } from '../../src/x509/crl-walk.ts';
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
