import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FaultCode } from '../../src/fault.ts';
import { createLogger } from '../../src/observability/logger.ts';
import type { Question, VerifyReason } from '../../src/verification/verifier.ts';
import { serial } from './fake-parts.ts';
import { assertProblem, testApp } from './support.ts';

const url = '/v1/verify?ingress=shop/web.example&key=abc';

test('who may come in: 200 without a body, with who it is, and nothing for a cache', async (t) => {
  const { call, parts } = await testApp(t);
  const answer = await call(undefined, 'GET', url);
  assert.equal(answer.statusCode, 200);
  assert.equal(answer.body, '');
  assert.equal(answer.headers['x-client-serial'], serial);
  assert.equal(answer.headers['cache-control'], 'no-store');
  assert.deepEqual(parts.asked.verified, ['admitted']);
});

test('the question as it is passed on: what is written in the URL, the headers, and the connection itself', async (t) => {
  const { call, parts } = await testApp(t);
  const questions: Question[] = [];
  parts.verifyWith = async (question) => {
    questions.push(question);
    return { admitted: true, identity: undefined };
  };
  const headers = { 'ssl-client-cert': 'x', 'x-forwarded-for': '10.9.9.9' };
  const answer = await call(undefined, 'GET', '/v1/verify?caller=traefik', {
    headers,
    remoteAddress: '192.0.2.1',
  });
  assert.equal(answer.statusCode, 200);
  const [question] = questions;
  assert.equal(question?.caller, 'traefik');
  assert.equal(question?.remoteAddress, '192.0.2.1');
  assert.equal(question?.headers['ssl-client-cert'], 'x');
  assert.deepEqual(parts.asked.verified, ['admitted-without-certificate']);
});

const refusals: readonly (readonly [VerifyReason, FaultCode])[] = [
  ['caller-unknown', 'verify-caller-unknown'],
  ['caller-ambiguous', 'verify-caller-unknown'],
  ['no-certificate', 'client-certificate-missing'],
  ['unreadable', 'client-certificate-unreadable'],
  ['not-verified', 'client-certificate-refused'],
  ['unknown-authority', 'client-certificate-refused'],
  ['not-a-client', 'client-certificate-refused'],
  ['expired', 'client-certificate-refused'],
  ['not-yet-valid', 'client-certificate-refused'],
  ['revoked', 'client-certificate-refused'],
  ['on-hold', 'client-certificate-refused'],
  ['not-allowed', 'client-certificate-refused'],
  ['probe-not-allowed', 'client-certificate-missing'],
  ['stale', 'verification-stale'],
];

for (const [reason, code] of refusals) {
  test(`${reason}: a problem document with the reason, counted`, async (t) => {
    const { call, parts } = await testApp(t);
    parts.verifyWith = () => ({ admitted: false, reason, detail: 'So it is.' });
    const answer = await call(undefined, 'GET', url);
    assertProblem(answer, code, { detail: 'So it is.' });
    assert.equal(answer.headers['x-verify-reason'], reason);
    assert.equal(answer.statusCode === 401, answer.headers['www-authenticate'] === 'ClientCertificate');
    assert.equal(answer.headers['x-client-serial'], undefined);
    assert.deepEqual(parts.asked.verified, [reason]);
    // These are no calls of our API that were refused.
    assert.deepEqual(parts.asked.refusals, []);
  });
}

test('a question of another form is refused', async (t) => {
  const { call, parts } = await testApp(t);
  for (const query of [
    'ingress=shop',
    'ingress=/web',
    'ingress=Shop/web',
    'ingress=a/b&ingress=c/d',
    'calller=x',
  ]) {
    assertProblem(await call(undefined, 'GET', `/v1/verify?${query}`), 'request-invalid');
  }
  assertProblem(await call(undefined, 'POST', '/v1/verify'), 'method-not-allowed');
  assert.deepEqual(parts.asked.verified, []);
});

test('an answer leaves no line in the log but at debug, and never a certificate or a key', async (t) => {
  for (const level of ['info', 'debug']) {
    const lines: string[] = [];
    const logger = createLogger({ level, destination: { write: (line) => void lines.push(line) } });
    const { call, parts } = await testApp(t, { logger });
    const headers = { 'ssl-client-cert': 'a-certificate' };
    await call(undefined, 'GET', url, { headers });
    parts.verifyWith = () => ({ admitted: false, reason: 'revoked', detail: 'Revoked.' });
    await call(undefined, 'GET', url, { headers });
    assert.equal(lines.length, level === 'info' ? 0 : 2);
    assert.doesNotMatch(lines.join(''), /a-certificate|key=abc/);
  }
});
