import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '../../src/observability/logger.ts';
import { claimsOf, unsignedToken } from '../access/service-account-tokens.ts';
import { serial } from './fake-parts.ts';
import { assertProblem, csr, testApp } from './support.ts';

/** A logger as the service has it, with what it wrote. */
function captured() {
  const lines: string[] = [];
  const logger = createLogger({ level: 'trace', destination: { write: (line) => void lines.push(line) } });
  return { logger, lines, entries: (): Record<string, unknown>[] => lines.map((line) => JSON.parse(line)) };
}

test('a request leaves one line, with its id, route, status and caller', async (t) => {
  const { logger, entries } = captured();
  const { call } = await testApp(t, { logger });
  await call('reader', 'GET', '/v1/certificates?x=secret', { headers: { 'x-request-id': 'r1' } });
  await call('reader', 'GET', `/v1/certificates/${serial}`, { headers: { 'x-request-id': 'r2' } });
  const [refused, answered, ...more] = entries();
  assert.deepEqual(more, []);
  assert.equal(refused?.code, 'request-invalid');
  assert.equal(refused?.requestId, 'r1');
  assert.equal(answered?.requestId, 'r2');
  assert.equal(answered?.method, 'GET');
  assert.equal(answered?.path, `/v1/certificates/${serial}`);
  assert.equal(answered?.route, '/v1/certificates/:serial');
  assert.equal(answered?.status, 200);
  assert.equal(answered?.caller, 'token:reader');
  assert.equal(typeof answered?.milliseconds, 'number');
});

test('refusals of callers are warnings that say which, and metrics see every request', async (t) => {
  const { logger, entries } = captured();
  const { call, parts } = await testApp(t, { logger });
  await call(undefined, 'GET', '/v1/tokens');
  await call('reader', 'GET', '/v1/tokens');
  await call('reader', 'GET', '/somewhere/else');
  const [unauthenticated, forbidden] = entries();
  assert.deepEqual([unauthenticated?.level, unauthenticated?.code], [40, 'unauthenticated']);
  assert.deepEqual([forbidden?.level, forbidden?.code, forbidden?.caller], [40, 'forbidden', 'token:reader']);
  assert.match(String(forbidden?.detail), /tokens:manage/);
  assert.deepEqual(parts.asked.observed, [
    { route: '/v1/tokens', method: 'GET', status: 401 },
    { route: '/v1/tokens', method: 'GET', status: 403 },
    { route: 'unmatched', method: 'GET', status: 404 },
  ]);
});

test('no token, key or CSR is ever in the log', async (t) => {
  const { logger, lines } = captured();
  const { call, parts } = await testApp(t, { logger });
  const secretKey = '-----BEGIN PRIVATE KEY-----\nc2VjcmV0IGtleQ==\n-----END PRIVATE KEY-----\n';
  const made = await call('admin', 'POST', '/v1/tokens', {
    payload: { name: 'n', grants: [{ role: 'admin' }] },
  });
  const token: string = made.json().token;
  const headers = { authorization: `Bearer ${token}` };
  const json = { ...headers, 'content-type': 'application/json' };
  const issue = (payload: string | object) =>
    call(
      undefined,
      'POST',
      '/v1/certificates',
      typeof payload === 'string' ? { payload, headers: json } : { payload, headers },
    );
  await issue({ csr });
  await issue({ csr: secretKey });
  await issue({ csr, [csr]: 1 });
  await issue(`{"csr": "${csr.replaceAll('\n', '\\n')}", broken`);
  await issue(csr);
  await call(undefined, 'POST', '/v1/certificates', {
    payload: csr,
    headers: { ...headers, 'content-type': 'text/plain' },
  });
  await call(undefined, 'GET', `/v1/tokens/${token}`, { headers });
  await call(undefined, 'GET', `/${token}?token=${token}`, { headers });
  await call(undefined, 'GET', `/livez?token=${token}`);
  await call(undefined, 'GET', '/v1/tokens', { headers: { authorization: `Basic ${token}`, cookie: token } });
  await call(undefined, 'GET', '/livez', { headers: { 'x-request-id': `${token} ` } });
  parts.issueWith = async () => {
    throw new Error(`could not read ${csr} with ${token} and ${secretKey}`, {
      cause: new Error(`for ${headers.authorization}`),
    });
  };
  await issue({ csr });
  const log = lines.join('');
  assert.ok(lines.length >= 12);
  assert.match(log, /could not read \[redacted CERTIFICATE REQUEST\]/);
  const secret = token.slice(token.lastIndexOf('_', 25) + 1);
  assert.ok(secret.length > 20);
  for (const forbidden of [secret, 'c2VjcmV0IENTUg', 'c2VjcmV0IGtleQ', 'BEGIN CERT', 'BEGIN PRIV'])
    assert.equal(log.includes(forbidden), false, forbidden);
});

test('an unforeseen error is logged with its stack under the request id', async (t) => {
  const { logger, entries } = captured();
  const { call, parts } = await testApp(t, { logger });
  parts.issueWith = async () => {
    throw new TypeError('broken inside');
  };
  await call('admin', 'POST', '/v1/certificates', { payload: { csr }, headers: { 'x-request-id': 'r9' } });
  const error = entries().find(({ level }) => level === 50);
  assert.equal(error?.requestId, 'r9');
  assert.match(JSON.stringify(error?.err), /TypeError.*broken inside.*fake-parts|broken inside/s);
});

test('a JWT is never in the log, wherever somebody put it', async (t) => {
  const { logger, lines } = captured();
  const { app, call } = await testApp(t, { logger });
  const token = unsignedToken(claimsOf('shop', 'robot'));
  const headers = { authorization: `Bearer ${token}` };
  assertProblem(await call(undefined, 'GET', '/v1/tokens', { headers }), 'unauthenticated');
  await call(undefined, 'GET', `/v1/tokens/${token}`, { headers });
  await app.inject(`/${token}?token=${token}`);
  await app.inject({ method: 'POST', url: '/livez', headers: { 'x-request-id': token } });
  logger.error({ err: new Error(`refused: ${token}`), note: token }, token);
  assert.ok(lines.length >= 5);
  const [, payload = '', signature = ''] = token.split('.');
  for (const line of lines) {
    assert.ok(!line.includes(payload.slice(0, 40)), line);
    assert.ok(!line.includes(signature.slice(0, 40)), line);
  }
});

test('a bearer token may have 4,096 characters, and one more is no token', async (t) => {
  const adminToken = 'x'.repeat(4_096);
  const { call } = await testApp(t, { adminToken });
  const status = async (token: string): Promise<number> =>
    (await call(undefined, 'GET', '/v1/tokens', { headers: { authorization: `Bearer ${token}` } }))
      .statusCode;
  assert.equal(await status(adminToken), 200);
  assert.equal(await status(`${adminToken}x`), 401);
});
