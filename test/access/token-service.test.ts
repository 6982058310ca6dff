import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAuthenticator } from '../../src/access/authenticator.ts';
import type { Caller } from '../../src/access/caller.ts';
import { createTokenService } from '../../src/access/token-service.ts';
import { parseToken, sha256 } from '../../src/access/token-text.ts';
import { createTestClock } from '../support/clock.ts';
import { MemoryTokenStore } from './memory-token-store.ts';

const maker: Caller = { id: 'token:first', name: 'first', grants: [{ role: 'admin' }] };

function setUp(adminTokenConfigured = false) {
  const store = new MemoryTokenStore();
  const clock = createTestClock();
  const authenticator = createAuthenticator({ store, clock });
  return {
    store,
    clock,
    authenticator,
    tokens: createTokenService({ store, clock, authenticator, adminTokenConfigured }),
  };
}

test('a new token works, and only the hash of its secret is kept', async () => {
  const { tokens, store, authenticator, clock } = setUp();
  const { token, record } = await tokens.create({ name: 'ci', grants: [{ role: 'reader' }] }, maker);
  const secret = parseToken(token)?.secret ?? '';
  assert.deepEqual(store.records.get(record.id), {
    id: record.id,
    name: 'ci',
    secretSha256: sha256(secret),
    grants: [{ role: 'reader' }],
    createdAt: new Date(clock.now()),
    createdBy: 'token:first',
  });
  assert.equal((await authenticator.authenticate(token))?.id, `token:${record.id}`);
});

test('an expiry must lie in the future', async () => {
  const { tokens, clock } = setUp();
  await assert.rejects(
    tokens.create({ name: 'ci', grants: [{ role: 'reader' }], expiresAt: new Date(clock.now()) }, maker),
    { code: 'request-invalid', field: '/expiresAt' },
  );
});

test('a revoked token is refused at once, and revoking it again changes nothing', async () => {
  const { tokens, authenticator, store, clock } = setUp();
  const { token, record } = await tokens.create({ name: 'ci', grants: [{ role: 'reader' }] }, maker);
  await authenticator.authenticate(token);
  await tokens.revoke(record.id);
  assert.equal(await authenticator.authenticate(token), undefined);
  const revokedAt = store.records.get(record.id)?.revokedAt;
  clock.advance(10);
  await tokens.revoke(record.id);
  assert.deepEqual(store.records.get(record.id)?.revokedAt, revokedAt);
  await assert.rejects(tokens.revoke('unknown'), { code: 'token-not-found' });
});

test('the last administrator stays', async () => {
  const { tokens, clock } = setUp();
  const admin = { name: 'admin', grants: [{ role: 'admin' }] } as const;
  const first = await tokens.create(admin, maker);
  const second = await tokens.create({ ...admin, expiresAt: new Date(clock.now() + 1_000) }, maker);
  await tokens.create({ name: 'ci', grants: [{ role: 'issuer', profiles: ['*'] }] }, maker);
  // The other administrator's token expires in a second: it does not count.
  await assert.rejects(tokens.revoke(first.record.id), { code: 'conflict' });
  clock.advance(1);
  await assert.rejects(tokens.revoke(first.record.id), { code: 'conflict' });
  await tokens.revoke(second.record.id);
  await tokens.create(admin, maker);
  await tokens.revoke(first.record.id);
});

test('with ADMIN_TOKEN set, the last administrator may go', async () => {
  const { tokens } = setUp(true);
  const { record } = await tokens.create({ name: 'admin', grants: [{ role: 'admin' }] }, maker);
  await tokens.revoke(record.id);
});
