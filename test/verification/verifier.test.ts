import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { KnownRevocation } from '../../src/revocation/revocation-index.ts';
import type { AllowRule } from '../../src/verification/allow-rule.ts';
import type { VerifyCaller } from '../../src/verification/callers.ts';
import type { IssuingAuthority } from '../../src/verification/client-certificate.ts';
import type { Door } from '../../src/verification/door.ts';
import { parseNetworks } from '../../src/verification/networks.ts';
import {
  createVerifier,
  type Question,
  type Verdict,
  type VerifierParts,
} from '../../src/verification/verifier.ts';
import { createVerifyUrlFor } from '../../src/verification/verify-url.ts';
import {
  basicConstraintsExtension,
  encodeExtension,
  extendedKeyUsageExtension,
  keyUsageExtension,
} from '../../src/x509/extensions.ts';
import { makeAuthority } from '../support/authority.ts';
import { createTestClock } from '../support/clock.ts';
import {
  clientAuth,
  clientExtensions,
  escapedPem,
  type Leaf,
  type LeafOptions,
  makeLeaf,
  serverAuth,
} from './leaf.ts';

const key = Buffer.alloc(32, 1);
const urlKey =
  new URL(createVerifyUrlFor('http://ca.test', key)('shop', 'web')).searchParams.get('key') ?? '';

async function harness(change: Partial<VerifierParts> & { door?: Partial<Door> } = {}) {
  const clock = createTestClock();
  const authority = await makeAuthority(clock.now());
  const stranger = await makeAuthority(clock.now());
  const revoked = new Map<string, KnownRevocation>();
  const age = { ms: 0 };
  const asked = { authorities: 0, anew: 0 };
  const { door, ...more } = change;
  const shop: Door = {
    header: 'ssl-client-cert',
    needsTlsVerdict: true,
    certificateRequired: true,
    authority: 'internal-ca',
    ...door,
  };
  const verifier = createVerifier({
    doors: {
      find: (namespace, name) => (namespace === 'shop' && name === 'web' ? shop : undefined),
      async findAnew() {
        asked.anew++;
        return undefined;
      },
    },
    callers: [],
    key,
    authorities: {
      list(): readonly IssuingAuthority[] {
        asked.authorities++;
        return [authority];
      },
    },
    revocations: { lookup: (name, serial) => revoked.get(`${name}/${serial}`), ageMs: () => age.ms },
    clock,
    maxStalenessMs: 60_000,
    ...more,
  });
  const leaf = (options?: LeafOptions) => makeLeaf(authority, clock.now(), options);
  const ask = (headers: Question['headers'], question: Partial<Question> = {}) =>
    verifier.verify({ ingress: 'shop/web', key: urlKey, remoteAddress: '10.0.0.1', headers, ...question });
  return { clock, authority, stranger, revoked, age, asked, verifier, leaf, ask };
}

function shown({ pem }: Leaf): Question['headers'] {
  return { 'ssl-client-cert': escapedPem(pem), 'ssl-client-verify': 'SUCCESS' };
}

function reasonOf(verdict: Verdict): string {
  return verdict.admitted ? (verdict.identity === undefined ? 'nobody' : 'admitted') : verdict.reason;
}

test('a good certificate is admitted, with who it is', async () => {
  const { ask, leaf } = await harness();
  const alice = await leaf({ names: ['dns:alice.example', 'uri:urn:a,b'] });
  const verdict = await ask(shown(alice));
  assert.deepEqual(verdict, {
    admitted: true,
    identity: {
      'x-client-serial': alice.serial,
      'x-client-subject': 'CN=alice,O=Example',
      'x-client-common-name': 'alice',
      'x-client-sans': 'dns:alice.example,uri:urn:a%2Cb',
      'x-client-fingerprint': createHash('sha256').update(alice.der).digest('hex'),
      'x-client-authority': 'internal-ca',
      'x-client-issuer': 'CN=Test CA,O=Example',
      'x-client-not-after': '2026-11-24T12:00:00Z',
    },
  });
});

test('a certificate that is known is judged at once, and as of now each time', async () => {
  const { ask, leaf, clock, revoked, asked } = await harness();
  const alice = await leaf();
  assert.equal(reasonOf(await ask(shown(alice))), 'admitted');
  const again = ask(shown(alice));
  assert.ok(!(again instanceof Promise), 'a promise would mean that it was examined anew');
  assert.equal(reasonOf(again), 'admitted');
  assert.equal(asked.authorities, 1);
  const id = `internal-ca/${alice.serial}`;
  revoked.set(id, { reason: 'certificateHold', revokedAt: new Date(clock.now()) });
  assert.equal(reasonOf(await ask(shown(alice))), 'on-hold');
  revoked.delete(id);
  assert.equal(reasonOf(await ask(shown(alice))), 'admitted');
  revoked.set(id, { reason: 'keyCompromise', revokedAt: new Date(clock.now()) });
  assert.equal(reasonOf(await ask(shown(alice))), 'revoked');
  revoked.delete(id);
  clock.advance(86_400);
  assert.equal(reasonOf(await ask(shown(alice))), 'admitted');
  clock.advance(1);
  assert.equal(reasonOf(await ask(shown(alice))), 'expired');
});

test('a certificate of tomorrow is not valid today', async () => {
  const { ask, leaf, clock } = await harness();
  const early = await leaf({ notBefore: new Date(clock.now() + 1_000) });
  assert.equal(reasonOf(await ask(shown(early))), 'not-yet-valid');
  clock.advance(1);
  assert.equal(reasonOf(await ask(shown(early))), 'admitted');
});

test('nobody outlives the authority', async () => {
  const clock = createTestClock();
  const authority = await makeAuthority(clock.now(), { notAfter: new Date(clock.now() + 10_000) });
  const { ask } = await harness({ authorities: { list: () => [authority] }, clock });
  const leaf = await makeLeaf(authority, clock.now());
  assert.equal(reasonOf(await ask(shown(leaf))), 'admitted');
  clock.advance(11);
  assert.equal(reasonOf(await ask(shown(leaf))), 'expired');
});

test('a stranger of the same issuer name is not ours, nor is a changed certificate', async () => {
  const { ask, leaf, stranger, clock } = await harness();
  assert.equal(reasonOf(await ask(shown(await makeLeaf(stranger, clock.now())))), 'unknown-authority');
  const alice = await leaf();
  const der = Buffer.from(alice.der);
  der[der.indexOf('alice')] = 'b'.charCodeAt(0);
  const pem = `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
  assert.equal(reasonOf(await ask(shown({ ...alice, pem }))), 'unknown-authority');
});

test('an authority of ours that this door is not for', async () => {
  const clock = createTestClock();
  const [one, two] = [await makeAuthority(clock.now()), await makeAuthority(clock.now(), { name: 'two' })];
  const { ask } = await harness({ authorities: { list: () => [one, two] }, clock });
  assert.equal(reasonOf(await ask(shown(await makeLeaf(two, clock.now())))), 'unknown-authority');
  // Found by its signature, though the one before it has the same name.
  const { ask: askTwo } = await harness({
    authorities: { list: () => [one, two] },
    clock,
    door: { authority: 'two' },
  });
  assert.equal(reasonOf(await askTwo(shown(await makeLeaf(two, clock.now())))), 'admitted');
});

const [constraints, usage, purposes] = clientExtensions as [Buffer, Buffer, Buffer];
const unfit: readonly (readonly [string, readonly Buffer[]])[] = [
  ['a CA', [basicConstraintsExtension({ ca: true }), usage, purposes]],
  ['one for servers only', [constraints, usage, extendedKeyUsageExtension([serverAuth])]],
  [
    'one for anything, which OpenSSL does not take for clients either',
    [constraints, usage, extendedKeyUsageExtension(['2.5.29.37.0'])],
  ],
  ['one that may not sign', [constraints, keyUsageExtension(['keyEncipherment']), purposes]],
  [
    'an unknown critical extension',
    [...clientExtensions, encodeExtension('1.2.3.4', true, Buffer.from('0500', 'hex'))],
  ],
];

for (const [name, extensions] of unfit) {
  test(`not one for clients: ${name}`, async () => {
    const { ask, leaf } = await harness();
    assert.equal(reasonOf(await ask(shown(await leaf({ extensions })))), 'not-a-client');
  });
}

test('without key usages, for both purposes, or with an unknown extension that is not critical: for clients', async () => {
  const { ask, leaf } = await harness();
  const fit = [
    [],
    [constraints, extendedKeyUsageExtension([serverAuth, clientAuth])],
    [...clientExtensions, encodeExtension('1.2.3.4', false, Buffer.from('0500', 'hex'))],
  ];
  for (const extensions of fit)
    assert.equal(reasonOf(await ask(shown(await leaf({ extensions })))), 'admitted');
});

test('what is no certificate is unreadable, and not remembered as one', async () => {
  const { ask, leaf } = await harness();
  const alice = await leaf();
  const good = shown(alice);
  for (const value of ['x', `${good['ssl-client-cert']}x`, `${good['ssl-client-cert']}, x`]) {
    assert.equal(reasonOf(await ask({ ...good, 'ssl-client-cert': value })), 'unreadable');
  }
  const cut = escapedPem(
    `-----BEGIN CERTIFICATE-----\n${alice.der.subarray(0, 99).toString('base64')}\n-----END CERTIFICATE-----\n`,
  );
  assert.equal(reasonOf(await ask({ ...good, 'ssl-client-cert': cut })), 'unreadable');
  assert.equal(reasonOf(await ask({ ...good, 'ssl-client-cert': [escapedPem(alice.pem)] })), 'unreadable');
});

test('without the verdict of TLS a certificate counts for nothing: a client could have sent it', async () => {
  const { ask, leaf } = await harness();
  const { 'ssl-client-cert': forged } = shown(await leaf());
  for (const verdict of [
    undefined,
    '',
    'FAILED:unable to verify the first certificate',
    'success',
    'SUCCESS, SUCCESS',
  ]) {
    const headers = { 'ssl-client-cert': forged, 'ssl-client-verify': verdict };
    assert.equal(reasonOf(await ask(headers)), 'not-verified', String(verdict));
  }
});

test('other headers than that of the door are not looked at', async () => {
  const { ask, leaf } = await harness();
  const alice = await leaf();
  const headers = {
    'ssl-client-verify': 'SUCCESS',
    'x-forwarded-tls-client-cert': alice.der.toString('base64'),
    'client-cert': `:${alice.der.toString('base64')}:`,
  };
  assert.equal(reasonOf(await ask(headers)), 'no-certificate');
});

test('no certificate: refused, or nobody where that is enough; with one, the same checks', async () => {
  const { ask } = await harness();
  assert.equal(reasonOf(await ask({ 'ssl-client-verify': 'NONE' })), 'no-certificate');
  const optional = await harness({ door: { certificateRequired: false } });
  assert.equal(reasonOf(await optional.ask({ 'ssl-client-verify': 'NONE' })), 'nobody');
  const alice = await optional.leaf();
  // A client cannot make itself somebody by sending the header along without a certificate.
  assert.equal(reasonOf(await optional.ask({ ...shown(alice), 'ssl-client-verify': 'NONE' })), 'nobody');
  optional.revoked.set(`internal-ca/${alice.serial}`, { reason: 'superseded', revokedAt: new Date(0) });
  assert.equal(reasonOf(await optional.ask(shown(alice))), 'revoked');
});

test('the rules of the door', async () => {
  const allow: AllowRule[] = [{ commonName: 'bob' }, { dns: '*.clients.example' }];
  const { ask, leaf } = await harness({ door: { allow } });
  assert.equal(reasonOf(await ask(shown(await leaf({ subject: 'CN=bob' })))), 'admitted');
  assert.equal(reasonOf(await ask(shown(await leaf({ names: ['dns:a.clients.example'] })))), 'admitted');
  assert.equal(reasonOf(await ask(shown(await leaf()))), 'not-allowed');
  // Our probe is turned away like everybody else, but can tell that from a revocation.
  const probe = await leaf({ subject: 'CN=internal-ca-probe' });
  assert.equal(reasonOf(await ask(shown(probe))), 'probe-not-allowed');
  const nobody = await harness({ door: { allow: [] } });
  assert.equal(reasonOf(await nobody.ask(shown(await nobody.leaf()))), 'not-allowed');
});

test('too long without certainty of what is revoked: nobody is admitted', async () => {
  const { ask, leaf, age } = await harness();
  const alice = await leaf();
  age.ms = 60_000;
  assert.equal(reasonOf(await ask(shown(alice))), 'admitted');
  age.ms = 60_001;
  assert.equal(reasonOf(await ask(shown(alice))), 'stale');
  age.ms = Number.POSITIVE_INFINITY;
  assert.equal(reasonOf(await ask(shown(alice))), 'stale');
});

test('who may ask about an Ingress: whoever knows its key, from where that is wanted', async () => {
  const { ask, leaf, asked } = await harness({ networks: parseNetworks(['10.0.0.0/8']) });
  const headers = shown(await leaf());
  assert.equal(reasonOf(await ask(headers)), 'admitted');
  for (const question of [
    { key: undefined },
    { key: `${urlKey}A` },
    { ingress: 'shop/other' },
    { ingress: 'shop' },
    { ingress: '' },
    { remoteAddress: '192.0.2.1' },
    { remoteAddress: undefined },
  ]) {
    assert.equal(reasonOf(await ask(headers, question)), 'caller-unknown', JSON.stringify(question));
  }
  // What no key was made for is not looked for.
  assert.equal(asked.anew, 0);
  const other =
    new URL(createVerifyUrlFor('http://ca.test', key)('shop', 'gone')).searchParams.get('key') ?? '';
  assert.equal(reasonOf(await ask(headers, { ingress: 'shop/gone', key: other })), 'caller-unknown');
  assert.equal(asked.anew, 1);
});

const sha256 = (text: string) => createHash('sha256').update(text).digest();
const base = { certificateRequired: true, needsTlsVerdict: false } as const;
const callers: readonly VerifyCaller[] = [
  {
    ...base,
    name: 'traefik',
    header: 'x-forwarded-tls-client-cert',
    networks: parseNetworks(['10.0.0.0/8']),
  },
  { ...base, name: 'proxy', header: 'client-cert', keySha256: sha256('s3cret') },
  {
    ...base,
    name: 'both',
    header: 'client-cert',
    keySha256: sha256('other'),
    networks: parseNetworks(['10.1.0.0/16']),
  },
];

test('configured callers: each by its own proofs, with its own header', async () => {
  const { verifier, leaf } = await harness({ callers });
  const alice = await leaf();
  const base64 = alice.der.toString('base64');
  const traefik = { 'x-forwarded-tls-client-cert': base64 };
  const standard = { 'client-cert': `:${base64}:` };
  const ask = async (question: Question) => reasonOf(await verifier.verify(question));
  assert.equal(await ask({ remoteAddress: '10.0.0.1', headers: traefik }), 'admitted');
  assert.equal(await ask({ remoteAddress: '10.0.0.1', headers: standard }), 'no-certificate');
  assert.equal(await ask({ remoteAddress: '192.0.2.1', headers: traefik }), 'caller-unknown');
  const far = { remoteAddress: '192.0.2.1' };
  assert.equal(await ask({ ...far, key: 's3cret', headers: standard }), 'admitted');
  assert.equal(await ask({ ...far, headers: { ...standard, 'x-verify-key': 's3cret' } }), 'admitted');
  assert.equal(await ask({ ...far, headers: { ...standard, 'x-verify-key': ['s3cret'] } }), 'caller-unknown');
  assert.equal(await ask({ ...far, key: 'other', headers: standard }), 'caller-unknown');
  assert.equal(await ask({ ...far, key: 's3cret', caller: 'traefik', headers: standard }), 'caller-unknown');
  const near = { remoteAddress: '10.1.0.1', key: 'other', headers: standard };
  assert.equal(await ask(near), 'caller-ambiguous');
  assert.equal(await ask({ ...near, caller: 'both' }), 'admitted');
  assert.equal(await ask({ ...near, caller: 'none' }), 'caller-unknown');
});

test('a caller without any proof is nobody, and without callers nobody is one', async () => {
  const open: VerifyCaller = { ...base, name: 'open', header: 'client-cert' };
  for (const list of [[], [open]]) {
    const { verifier } = await harness({ callers: list });
    assert.equal(
      reasonOf(await verifier.verify({ remoteAddress: '10.0.0.1', headers: {} })),
      'caller-unknown',
    );
  }
});

test('names that could end a header or begin another are encoded, and too long ones left out', async () => {
  const { ask, leaf } = await harness();
  const verdict = await ask(shown(await leaf({ subject: 'CN=Jürgen 100%,O=a\\,b' })));
  assert.ok(verdict.admitted);
  assert.equal(verdict.identity?.['x-client-common-name'], 'J%C3%BCrgen 100%25');
  assert.equal(verdict.identity?.['x-client-subject'], 'CN=J\\C3\\BCrgen 100%25,O=a\\,b');
  const names = Array.from({ length: 40 }, (_, index) => `dns:host-${index}.some.long.domain.example`);
  const many = await ask(shown(await leaf({ names })));
  assert.ok(many.admitted);
  assert.equal(many.identity?.['x-client-sans'], undefined);
  assert.equal(many.identity?.['x-client-omitted'], 'x-client-sans');
});
