import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AuthenticatorOptions, createAuthenticator } from '../../src/access/authenticator.ts';
import type { TokenRecord } from '../../src/access/token-store.ts';
import { formatToken, newToken, parseToken, sha256 } from '../../src/access/token-text.ts';
import { createTestClock } from '../support/clock.ts';
import { MemoryTokenStore } from './memory-token-store.ts';

function setUp(extra: Partial<TokenRecord> = {}, options: Partial<AuthenticatorOptions> = {}) {
  const store = new MemoryTokenStore();
  const clock = createTestClock();
  const token = newToken();
  store.records.set(token.id, {
    id: token.id,
    name: 'ci',
    secretSha256: sha256(token.secret),
    grants: [{ role: 'reader' }],
    createdAt: new Date(clock.now()),
    createdBy: 'test',
    ...extra,
  });
  return {
    store,
    clock,
    token,
    text: formatToken(token),
    authenticator: createAuthenticator({ store, clock, ...options }),
  };
}

test('a token has 256 random bits and comes apart as it was put together', () => {
  const token = newToken();
  assert.match(formatToken(token), /^ica_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/);
  assert.equal(Buffer.from(token.secret, 'base64url').length, 32);
  assert.deepEqual(parseToken(formatToken(token)), token);
  assert.notEqual(newToken().secret, newToken().secret);
});

test('a valid token is its caller', async () => {
  const { authenticator, text, token } = setUp();
  assert.deepEqual(await authenticator.authenticate(text), {
    id: `token:${token.id}`,
    name: 'ci',
    grants: [{ role: 'reader' }],
  });
});

test('whatever is wrong with a token, the answer is the same', async () => {
  const { authenticator, token, text } = setUp();
  const other = newToken();
  const wrong = [
    '',
    'secret',
    'ica_',
    text.slice(0, -1),
    `${text}A`,
    text.toUpperCase(),
    formatToken({ id: token.id, secret: other.secret }),
    formatToken({ id: other.id, secret: token.secret }),
    `ica_${token.id}_${sha256(token.secret).toString('base64url')}`,
  ];
  for (const candidate of wrong)
    assert.equal(await authenticator.authenticate(candidate), undefined, candidate);
});

test('an expired token is refused from the moment it expires, remembered or not', async () => {
  const { authenticator, clock, text } = setUp({ expiresAt: new Date(createTestClock().now() + 2_000) });
  assert.ok(await authenticator.authenticate(text));
  clock.advance(2);
  assert.equal(await authenticator.authenticate(text), undefined);
});

test('a revoked token is refused', async () => {
  const { authenticator, text } = setUp({ revokedAt: new Date(0) });
  assert.equal(await authenticator.authenticate(text), undefined);
});

test('a record is remembered for less than 5 seconds, so a revocation elsewhere is late by no more', async () => {
  const { authenticator, clock, store, text, token } = setUp();
  await authenticator.authenticate(text);
  await store.revoke(token.id, new Date(clock.now()), { keepAdministrator: false });
  clock.advance(4.999);
  assert.ok(await authenticator.authenticate(text));
  assert.equal(store.lookups, 1);
  clock.advance(0.001);
  assert.equal(await authenticator.authenticate(text), undefined);
});

test('forget drops a record at once', async () => {
  const { authenticator, clock, store, text, token } = setUp();
  await authenticator.authenticate(text);
  await store.revoke(token.id, new Date(clock.now()), { keepAdministrator: false });
  authenticator.forget(token.id);
  assert.equal(await authenticator.authenticate(text), undefined);
});

test('a record read before a revocation is not remembered after it', async () => {
  const { clock, store, text, token } = setUp();
  let release = (): void => {};
  const slow = {
    findById: async (id: string) => {
      const record = store.records.get(id);
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return record;
    },
  };
  const authenticator = createAuthenticator({ store: slow, clock });
  const early = authenticator.authenticate(text);
  await store.revoke(token.id, new Date(clock.now()), { keepAdministrator: false });
  authenticator.forget(token.id);
  release();
  await early;
  const late = authenticator.authenticate(text);
  release();
  assert.equal(await late, undefined);
});

test('a wrong secret is refused while the record is remembered', async () => {
  const { authenticator, text, token } = setUp();
  await authenticator.authenticate(text);
  assert.equal(await authenticator.authenticate(formatToken(newToken(token.id))), undefined);
});

test('unknown ids are not remembered, and known ones only up to the limit', async () => {
  const { authenticator, store, text } = setUp({}, { cacheSize: 1 });
  const stranger = formatToken(newToken());
  await authenticator.authenticate(stranger);
  await authenticator.authenticate(stranger);
  assert.equal(store.lookups, 2);
  await authenticator.authenticate(text);
  const second = newToken();
  const [first] = store.records.values();
  assert.ok(first);
  store.records.set(second.id, { ...first, id: second.id, secretSha256: sha256(second.secret) });
  assert.ok(await authenticator.authenticate(formatToken(second)));
  await authenticator.authenticate(text);
  assert.equal(store.lookups, 5);
});

test('ADMIN_TOKEN is an administrator without a record', async () => {
  const adminToken = 'a configured secret of any form';
  const { authenticator, store } = setUp({}, { adminToken });
  assert.deepEqual(await authenticator.authenticate(adminToken), {
    id: 'admin-token',
    name: 'ADMIN_TOKEN',
    grants: [{ role: 'admin' }],
  });
  assert.equal(await authenticator.authenticate(`${adminToken} `), undefined);
  assert.equal(store.lookups, 0);
});
