import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodePem, encodePem, PemError, pemLength } from '../../src/encoding/pem.ts';

test('writes lines of 64 characters', () => {
  const pem = encodePem('CERTIFICATE', Buffer.alloc(49, 0xff));
  assert.equal(pem, `-----BEGIN CERTIFICATE-----\n${'/'.repeat(64)}\n/w==\n-----END CERTIFICATE-----\n`);
});

test('knows how long it is before it is made', () => {
  for (const octets of [1, 2, 3, 47, 48, 49, 95, 96, 97, 1_000, 65_536])
    assert.equal(pemLength('X509 CRL', octets), encodePem('X509 CRL', Buffer.alloc(octets)).length);
});

test('reads back what it writes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (der) => {
      const [block] = decodePem(encodePem('X509 CRL', der));
      assert.deepEqual(block, { label: 'X509 CRL', der: Buffer.from(der) });
    }),
  );
});

test('reads every block, text around them and CRLF line ends', () => {
  const text = `Subject: x\r\n${encodePem('A', Buffer.of(1))}between\n${encodePem('B', Buffer.of(2))}`;
  const blocks = decodePem(text.replaceAll('\n', '\r\n'));
  assert.deepEqual(
    blocks.map(({ label, der }) => [label, ...der]),
    [
      ['A', 1],
      ['B', 2],
    ],
  );
  assert.deepEqual(
    decodePem(text, 'B').map(({ der }) => [...der]),
    [[2]],
  );
  assert.deepEqual(decodePem('no block'), []);
});

test('refuses what is not exact', () => {
  const good = encodePem('CERTIFICATE', Buffer.alloc(10));
  const bad = {
    'no end line': good.replace(/-----END.*/s, ''),
    'another end line': good.replace('END CERTIFICATE', 'END X509 CRL'),
    'headers, as in encrypted legacy keys': good.replace('-----\n', '-----\nProc-Type: 4,ENCRYPTED\n\n'),
    'a character outside of base64': good.replace('AAAA', 'AA*A'),
    base64url: good.replace('AAAA', 'AA-_'),
    'no padding': good.replace('==', ''),
    'bits behind the last octet': good.replace('A==', 'B=='),
    'an empty block': '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n',
    'a lower-case label': good.replaceAll('CERTIFICATE', 'certificate'),
    'a begin line that never ends': '-----BEGIN CERTIFICATE',
  };
  for (const [name, text] of Object.entries(bad)) assert.throws(() => decodePem(text), PemError, name);
});
