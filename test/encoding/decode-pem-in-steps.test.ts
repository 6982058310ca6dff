import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodePemInSteps } from '../../src/encoding/decode-pem-in-steps.ts';
import { encodePem, PemError } from '../../src/encoding/pem.ts';

const label = 'X509 CRL';
const decode = (text: string) => decodePemInSteps(Buffer.from(text, 'latin1'), label);

test('reads what is written, at the borders of a step too', async () => {
  for (const length of [1, 2, 3, 47, 48, 49, 193_000, 196_608, 196_609, 400_001]) {
    const der = Buffer.alloc(length, 0xa5);
    const crlf = encodePem(label, der).replaceAll('\n', '\r\n');
    assert.deepEqual(await decode(encodePem(label, der)), [der]);
    assert.deepEqual(await decode(`\n${crlf}\n${encodePem(label, Buffer.of(1))}`), [der, Buffer.of(1)]);
  }
  assert.deepEqual(await decode(''), []);
  assert.deepEqual(await decode(' \r\n'), []);
});

test('refuses everything else', async () => {
  const good = encodePem(label, Buffer.alloc(100, 7));
  const bodies = ['', '\n', 'AAA', 'A===', 'AA==AA==', 'AAB=', 'AA*A', 'AAAA=AAA', 'ÄAAA'];
  for (const text of [
    'hello',
    `hello ${good}`,
    `${good}hello`,
    good.slice(0, -10),
    good.slice(0, 40),
    good.replace('END X509', 'END Y509'),
    encodePem('PRIVATE KEY', Buffer.alloc(10)),
    `${good}${encodePem('PRIVATE KEY', Buffer.alloc(10))}`,
    ...bodies.map((body) => `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`),
  ])
    await assert.rejects(decode(text), PemError, text);
});

test('no change of a character goes unnoticed', async () => {
  const der = Buffer.from('a CRL that somebody changes');
  const text = encodePem(label, der);
  await fc.assert(
    fc.asyncProperty(fc.nat(text.length - 1), fc.integer({ min: 33, max: 126 }), async (at, code) => {
      const changed = text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1);
      const result = await decode(changed).catch(() => undefined);
      if (changed !== text) assert.notDeepEqual(result, [der]);
    }),
  );
});
