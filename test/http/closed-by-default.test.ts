import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fastify } from 'fastify';
import { createAuthenticator } from '../../src/access/authenticator.ts';
import { requireCallers } from '../../src/http/authentication.ts';
import { MemoryTokenStore } from '../access/memory-token-store.ts';
import { createTestClock } from '../support/clock.ts';

function server() {
  const app = fastify();
  requireCallers(
    app,
    createAuthenticator({ store: new MemoryTokenStore(), clock: createTestClock() }),
    '/docs',
  );
  return app;
}

test('a route that does not say who may use it stops the start', () => {
  assert.throws(() => server().get('/open', async () => 'x'), /GET \/open must declare/);
  assert.throws(() => server().get('/open', { config: {} }, async () => 'x'), /must declare/);
  assert.throws(
    () => server().get('/both', { config: { public: true, permission: 'metrics:read' } }, async () => 'x'),
    /must declare/,
  );
  assert.throws(() => server().get('/docsother', async () => 'x'), /must declare/);
});

test('a route that does is taken, and checked', async () => {
  const app = server();
  app.get('/open', { config: { public: true } }, async () => 'x');
  app.get('/docs/page', async () => 'x');
  app.get('/closed', { config: { permission: 'metrics:read' } }, async () => 'x');
  assert.equal((await app.inject('/open')).statusCode, 200);
  assert.equal((await app.inject('/docs/page')).statusCode, 200);
  assert.equal(
    (await app.inject('/closed')).json().message,
    'Send Authorization: Bearer with a valid token.',
  );
});
