import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createLogger } from '../../src/observability/logger.ts';
import type { Verdict } from '../../src/verification/verifier.ts';
import { eventually } from '../support/eventually.ts';
import type { FakeOptions } from './fake-parts.ts';
import { testApp } from './support.ts';

/** Over a real connection: what is injected does not come past the shortcut. */
async function listening(t: TestContext, change: FakeOptions = {}) {
  const { app, parts } = await testApp(t, change);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const asked = { times: 0 };
  const answerWith = (verdict: Verdict | Promise<Verdict>): void => {
    parts.verifyWith = () => {
      asked.times++;
      return verdict;
    };
  };
  return { app, parts, url, asked, answerWith };
}

const alice: Verdict = {
  admitted: true,
  identity: { 'x-client-serial': 'ab', 'x-client-subject': 'CN=alice' },
};
const ask = '/v1/verify?ingress=shop/web&key=abc';

test('who may come in is answered without the frame, with the same that the frame would say', async (t) => {
  const { parts, url, asked, answerWith } = await listening(t);
  answerWith(alice);
  const short = await fetch(url + ask, { headers: { 'x-request-id': 'r1' } });
  assert.equal(asked.times, 1);
  answerWith(Promise.resolve(alice));
  const long = await fetch(url + ask, { headers: { 'x-request-id': 'r1' } });
  assert.equal(asked.times, 3);
  for (const answer of [short, long]) {
    assert.equal(answer.status, 200);
    assert.equal(await answer.text(), '');
    for (const [name, value] of Object.entries({
      'x-client-serial': 'ab',
      'x-client-subject': 'CN=alice',
      'cache-control': 'no-store',
      'content-length': '0',
      'x-request-id': 'r1',
    }))
      assert.equal(answer.headers.get(name), value, name);
  }
  // The frame has its security headers besides: so it can be told which way an answer came.
  assert.equal(short.headers.get('content-security-policy'), null);
  assert.notEqual(long.headers.get('content-security-policy'), null);
  assert.deepEqual(parts.asked.verified, ['admitted', 'admitted']);
  const observed = { route: '/v1/verify', method: 'GET', status: 200 };
  assert.deepEqual(parts.asked.observed, [observed, observed]);
});

test('a client without a certificate that may come in: no identity', async (t) => {
  const { parts, url, answerWith } = await listening(t);
  answerWith({ admitted: true, identity: undefined });
  const answer = await fetch(url + ask);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('x-client-serial'), null);
  assert.deepEqual(parts.asked.verified, ['admitted-without-certificate']);
});

test('a caller that its network or a header tells asks without a query, and as shortly', async (t) => {
  const { url, answerWith } = await listening(t);
  answerWith(alice);
  for (const path of ['/v1/verify', '/v1/verify?']) {
    const answer = await fetch(url + path);
    assert.equal(answer.headers.get('x-client-serial'), 'ab', path);
    assert.equal(answer.headers.get('content-security-policy'), null, path);
  }
  assert.equal((await fetch(`${url}/v1/verifyx`)).status, 404);
});

test('a refusal, and a failure, are what the frame says of them, counted once', async (t) => {
  const { parts, url, answerWith } = await listening(t);
  answerWith({ admitted: false, reason: 'revoked', detail: 'Revoked.' });
  const refused = await fetch(url + ask);
  assert.equal(refused.status, 403);
  assert.equal(refused.headers.get('x-verify-reason'), 'revoked');
  assert.deepEqual(parts.asked.verified, ['revoked']);
  const failure = Promise.reject(new Error('x'));
  failure.catch(() => undefined);
  answerWith(failure);
  assert.equal((await fetch(url + ask)).status, 500);
  assert.deepEqual(parts.asked.verified, ['revoked']);
});

test('what is written in another form than the schema has it is refused, whoever would be let in', async (t) => {
  const { url, answerWith } = await listening(t);
  answerWith(alice);
  for (const query of [
    'ingress=a/b&ingress=c/d&key=x',
    'key=a&key=b',
    'calller=x',
    'ingress=a/b&x',
    '%zz=1',
  ]) {
    assert.equal((await fetch(`${url}/v1/verify?${query}`)).status, 400, query);
  }
  assert.equal((await fetch(url + ask, { method: 'POST' })).status, 405);
  assert.equal((await fetch(url + ask, { method: 'HEAD' })).status, 200);
  assert.equal((await fetch(`${url}/v1/verify/x?key=a`)).status, 404);
});

test('a GET with a body does not upset the connection', async (t) => {
  const { url, answerWith } = await listening(t);
  answerWith(alice);
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  t.after(() => socket.destroy());
  const head = `GET ${ask} HTTP/1.1\r\nhost: a\r\n`;
  socket.write(`${head}content-length: 5\r\n\r\nGET /${head}\r\n${head}connection: close\r\n\r\n`);
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(socket, 'end');
  assert.equal(text.match(/HTTP\/1\.1 200 OK/g)?.length, 3, text);
});

test('with the log at debug every question goes through the frame, and leaves its line', async (t) => {
  const lines: string[] = [];
  const logger = createLogger({ level: 'debug', destination: { write: (line) => void lines.push(line) } });
  const { url, answerWith } = await listening(t, { logger });
  answerWith(alice);
  const answer = await fetch(url + ask);
  assert.notEqual(answer.headers.get('content-security-policy'), null);
  assert.equal(lines.filter((line) => line.includes('/v1/verify')).length, 1);
});

test('while the service is shutting down, questions on open connections are told so', async (t) => {
  const { app, url, answerWith } = await listening(t);
  answerWith(alice);
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  t.after(() => socket.destroy());
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  // Half of a request keeps the connection open over the beginning of the end.
  socket.write(`GET ${ask} HTTP/1.1\r\nhost: a\r\n\r\nGET ${ask} HTTP/1.1\r\n`);
  await once(socket, 'data');
  const closed = app.close();
  await eventually(() => assert.equal(app.server.listening, false));
  socket.write('host: a\r\n\r\n');
  await once(socket, 'end');
  await closed;
  assert.match(text, /HTTP\/1\.1 503/);
});
