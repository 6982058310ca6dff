import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '../../src/config/config-error.ts';
import { loadCallers } from '../../src/verification/load-callers.ts';
import { temporaryFile } from '../config/support.ts';

const sha256 = 'ab'.repeat(32);

test('no file, no callers', async () => {
  assert.deepEqual(await loadCallers(undefined, ['internal-ca']), []);
});

test('a caller as it is written', async (t) => {
  const file = temporaryFile(
    t,
    `callers:
  traefik:
    header: x-forwarded-tls-client-cert
    networks: [10.0.0.0/8, "2001:db8::1"]
    authority: internal-ca
    allow: [{dns: "*.Clients.example"}]
    certificateRequired: false
  proxy: {header: client-cert, keySha256: ${sha256}}
`,
  );
  const [traefik, proxy, ...more] = await loadCallers(file, ['internal-ca']);
  assert.deepEqual(more, []);
  const { networks, ...rest } = traefik ?? assert.fail();
  assert.deepEqual(rest, {
    name: 'traefik',
    header: 'x-forwarded-tls-client-cert',
    certificateRequired: false,
    needsTlsVerdict: false,
    authority: 'internal-ca',
    allow: [{ dns: '*.clients.example' }],
  });
  assert.equal(networks?.include('10.255.0.1'), true);
  assert.equal(networks?.include('11.0.0.1'), false);
  assert.deepEqual(proxy, {
    name: 'proxy',
    header: 'client-cert',
    certificateRequired: true,
    needsTlsVerdict: false,
    keySha256: Buffer.from(sha256, 'hex'),
  });
});

const wrong: readonly (readonly [string, RegExp])[] = [
  ['callers: [', /is not YAML$/],
  ['', /the document must/],
  ['callers: []', /callers must be object/],
  ['others: {}', /others is not a key that is known/],
  ['callers: {a: {networks: [10.0.0.0/8]}}', /callers\.a must have required properties header/],
  ['callers: {a: {header: cookie, networks: [10.0.0.0/8]}}', /callers\.a\.header must/],
  ['callers: {a: {header: client-cert}}', /callers\.a has neither networks nor keySha256/],
  [
    'callers: {a: {header: client-cert, networks: []}}',
    /callers\.a\.networks must not have fewer than 1 items/,
  ],
  [
    'callers: {a: {header: client-cert, networks: [10.0.0]}}',
    /callers\.a: 10\.0\.0 is neither an IP address/,
  ],
  ['callers: {a: {header: client-cert, keySha256: abc}}', /callers\.a\.keySha256 must match/],
  [
    'callers: {a: {header: client-cert, netwroks: [10.0.0.0/8]}}',
    /callers\.a\.netwroks is not a key that is known/,
  ],
  ['callers: {A: {header: client-cert, networks: [10.0.0.0/8]}}', /callers\.A is not a DNS label/],
  [
    'callers: {a: {header: client-cert, networks: [10.0.0.0/8], authority: other}}',
    /callers\.a\.authority names other, which there is not/,
  ],
  [
    'callers: {a: {header: client-cert, networks: [10.0.0.0/8], allow: []}}',
    /callers\.a: allow is empty: nobody would be let in/,
  ],
];

for (const [text, message] of wrong) {
  test(`refused: ${text || 'an empty file'}`, async (t) => {
    const file = temporaryFile(t, text);
    await assert.rejects(
      loadCallers(file, ['internal-ca']),
      (error: unknown) =>
        error instanceof ConfigError && error.key === 'VERIFY_CALLERS_FILE' && message.test(error.message),
    );
  });
}

test('a file that is not there is refused', async () => {
  await assert.rejects(
    loadCallers('/nowhere/callers.yaml', []),
    /VERIFY_CALLERS_FILE: \/nowhere\/callers\.yaml cannot be read/,
  );
});
