import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readServiceAccountToken } from '../../src/access/service-account-token.ts';
import { claimsOf, unsignedToken } from './service-account-tokens.ts';

test('the claims of a service account token are read', () => {
  const token = unsignedToken(
    claimsOf('shop', 'robot', { exp: 1_800_000_000, aud: ['internal-ca', 'other'] }),
  );
  assert.deepEqual(readServiceAccountToken(token), {
    username: 'system:serviceaccount:shop:robot',
    namespace: 'shop',
    name: 'robot',
    groups: ['system:serviceaccounts', 'system:serviceaccounts:shop'],
    audiences: ['internal-ca', 'other'],
    expiresAt: 1_800_000_000,
  });
  // RFC 7519 4.1.3: one audience may stand without a list.
  const single = unsignedToken(claimsOf('shop', 'robot', { aud: 'internal-ca' }));
  assert.deepEqual(readServiceAccountToken(single)?.audiences, ['internal-ca']);
});

const text = (payload: string): string =>
  `eyJhbGciOiJSUzI1NiJ9.${Buffer.from(payload).toString('base64url')}.AAAA`;
const strangers: readonly (readonly [what: string, token: string])[] = [
  ['a token of our own', 'ica_4be1c0ffee123456_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'],
  ['nothing', ''],
  ['two parts', 'eyJhbGciOiJSUzI1NiJ9.e30'],
  ['four parts', `${unsignedToken(claimsOf('shop', 'robot'))}.AAAA`],
  ['a payload that is no JSON', text('{"sub":')],
  ['a payload that is no object', text('"system:serviceaccount:shop:robot"')],
  ['null', text('null')],
  ['base64 with padding', `${unsignedToken(claimsOf('shop', 'robot'))}=`],
  ['no end, as the tokens of old Secrets', unsignedToken(claimsOf('shop', 'robot', { exp: undefined }))],
  ['an end in words', unsignedToken(claimsOf('shop', 'robot', { exp: '2030' }))],
  ['no subject', unsignedToken(claimsOf('shop', 'robot', { sub: undefined }))],
  ['a person', unsignedToken(claimsOf('shop', 'robot', { sub: 'alice' }))],
  ['a node', unsignedToken(claimsOf('shop', 'robot', { sub: 'system:node:n1' }))],
  ['a subject with more behind', unsignedToken(claimsOf('shop', 'robot:x'))],
  ['a subject with a line break', unsignedToken(claimsOf('shop', 'robot\n'))],
  [
    'a subject that is a list',
    unsignedToken(claimsOf('shop', 'r', { sub: ['system:serviceaccount:shop:r'] })),
  ],
];
for (const [what, token] of strangers) {
  test(`no service account token: ${what}`, () => assert.equal(readServiceAccountToken(token), undefined));
}

test('audiences that are no text are passed over', () => {
  const token = unsignedToken(claimsOf('shop', 'robot', { aud: [1, null, { a: 'internal-ca' }] }));
  assert.deepEqual(readServiceAccountToken(token)?.audiences, []);
});
