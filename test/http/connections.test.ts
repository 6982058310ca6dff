import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { csr, type TestApp, testApp } from './support.ts';

async function listening(
  t: TestContext,
  change: Parameters<typeof testApp>[1] = {},
): Promise<TestApp & { port: number }> {
  const made = await testApp(t, change);
  await made.app.listen({ host: '127.0.0.1', port: 0 });
  const address = made.app.server.address();
  return { ...made, port: isAddress(address) ? address.port : 0 };
}

/** Sends raw bytes and collects what comes back until the connection ends. */
async function speak(
  port: number,
  text: string,
): Promise<{ head: string; problem: Record<string, unknown> }> {
  const socket = connect(port, '127.0.0.1');
  socket.setEncoding('utf8');
  let answer = '';
  socket.on('data', (chunk) => {
    answer += String(chunk);
  });
  socket.write(text);
  await once(socket, 'close');
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  return { head, problem: JSON.parse(body) };
}

test('a head that does not arrive in time is answered 408', async (t) => {
  const { port } = await listening(t, { options: { requestTimeoutMilliseconds: 300 } });
  const { head, problem } = await speak(port, 'GET /livez HTTP/1.1\r\nHost: a\r\n');
  assert.match(head, /^HTTP\/1\.1 408 /);
  assert.match(head, /\r\ncontent-type: application\/problem\+json/i);
  assert.match(head, /\r\nconnection: close/i);
  assert.equal(problem.type, 'urn:internal-ca:problem:request-timeout');
  assert.equal(problem.status, 408);
});

test('who was refused before the body arrived gets that one answer', async (t) => {
  const { port } = await listening(t, { options: { requestTimeoutMilliseconds: 300 } });
  const { head, problem } = await speak(
    port,
    'POST /v1/certificates HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{',
  );
  assert.match(head, /^HTTP\/1\.1 401 /);
  assert.equal(problem.status, 401);
});

test('a body that stops half way is answered 408', async (t) => {
  const { port, parts } = await listening(t, { options: { requestTimeoutMilliseconds: 300 } });
  const token = parts.token([{ role: 'admin' }]);
  const { head, problem } = await speak(
    port,
    `POST /v1/certificates HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{`,
  );
  assert.match(head, /^HTTP\/1\.1 408 /);
  assert.equal(problem.type, 'urn:internal-ca:problem:request-timeout');
  assert.equal(parts.asked.issued.length, 0);
});

test('what is not HTTP, and a head that is too large, get a problem document too', async (t) => {
  const { port } = await listening(t);
  for (const text of [
    '\u0016\u0003\u0001\r\n\r\n',
    `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`,
  ]) {
    const { head, problem } = await speak(port, text);
    assert.match(head, /^HTTP\/1\.1 400 /);
    assert.equal(problem.type, 'urn:internal-ca:problem:request-invalid');
  }
});

test('closing finishes what is in flight and turns new requests away', async (t) => {
  const { app, parts, port } = await listening(t);
  let finish = (): void => {};
  const begun = new Promise<void>((begin) => {
    parts.issueWith = () =>
      new Promise<void>((resolve) => {
        finish = resolve;
        begin();
      });
  });
  t.after(() => finish());
  const token = parts.token([{ role: 'admin' }]);
  const inFlight = post(port, token);
  await begun;
  // On a second connection a request has begun, but its head ends only after the close has begun.
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  t.after(() => socket.destroy());
  const [accepted] = await once(app.server, 'connection');
  socket.write('POST /v1/certificates HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n');
  await eventually(() => assert.ok(accepted.bytesRead > 0));
  const closed = app.close();
  await eventually(() => assert.equal(app.server.listening, false));
  socket.write('\r\n12345');
  const [late] = await once(socket, 'data');
  assert.match(String(late), /^HTTP\/1\.1 503 /);
  assert.match(String(late), /\r\nconnection: close/i);
  assert.match(String(late), /\r\nretry-after: 1\r\n/i);
  assert.match(String(late), /urn:internal-ca:problem:draining/);
  finish();
  assert.equal(await inFlight, 201);
  await closed;
});

test('closing does not wait for a connection that asks nothing', { timeout: 60_000 }, async (t) => {
  const { app, port } = await listening(t, { options: { requestTimeoutMilliseconds: 300_000 } });
  const accepted = once(app.server, 'connection');
  const silent = connect(port, '127.0.0.1');
  await accepted;
  const ended = once(silent.resume(), 'close');
  await app.close();
  await ended;
});

function post(port: number, token: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/pkcs10' };
    const sent = request(
      { port, host: '127.0.0.1', method: 'POST', path: '/v1/certificates', headers },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      },
    );
    sent.on('error', reject);
    sent.end(csr);
  });
}

function isAddress(address: string | AddressInfo | null): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}
