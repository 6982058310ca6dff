import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { Fault } from '../../src/fault.ts';
import { assertProblem, testApp } from './support.ts';

const imports = '/v1/authorities/internal-ca/imports';
const text = { 'content-type': 'text/plain' };

test('a body is taken as it is, whatever its media type calls it, and the report is answered', async (t) => {
  const { call, parts } = await testApp(t);
  const wishes = [
    ['certificates', 'application/x-pem-file', 'importCertificates'],
    ['certificates', 'application/pem-certificate-chain', 'importCertificates'],
    ['certificates', 'text/plain; charset=utf-8', 'importCertificates'],
    ['openssl-index', 'text/tab-separated-values', 'importIndex'],
    ['openssl-index', 'text/plain', 'importIndex'],
    ['crl', 'application/pkix-crl', 'importCrl'],
    ['crl', 'application/x-pem-file', 'importCrl'],
    ['crl', 'text/plain', 'importCrl'],
  ] as const;
  for (const [path, type, kind] of wishes) {
    const answer = await call('admin', 'POST', `${imports}/${path}?dryRun=true`, {
      payload: 'the body',
      headers: { 'content-type': type },
    });
    assert.equal(answer.statusCode, 200, answer.body);
    const expected = {
      kind,
      octets: 'the body',
      dryRun: true,
      authority: 'internal-ca',
      requester: 'token:admin',
    };
    assert.deepEqual(parts.asked.imported.at(-1), expected);
    const { crlNumber, problems, recorded } = answer.json();
    assert.deepEqual([crlNumber, problems[0].position, recorded], ['17', 42, 1]);
    assert.notEqual(answer.headers.connection, 'close');
  }
  await call('admin', 'POST', `${imports}/crl`, { payload: 'x', headers: text });
  assert.equal(parts.asked.imported.at(-1)?.dryRun, false);
});

test('another media type, no body, another query, a body too large', async (t) => {
  const { call, parts } = await testApp(t);
  const post = (url: string, headers: Record<string, string>, payload = 'x') =>
    call('admin', 'POST', url, { headers, payload });
  for (const [path, type] of [
    ['certificates', 'application/json'],
    ['certificates', 'text/tab-separated-values'],
    ['openssl-index', 'application/x-pem-file'],
    ['crl', 'application/octet-stream'],
  ] as const)
    assertProblem(await post(`${imports}/${path}`, { 'content-type': type }), 'media-type-unsupported');
  assertProblem(await call('admin', 'POST', `${imports}/crl`), 'request-invalid');
  assertProblem(await post(`${imports}/crl?dryRun=maybe`, text), 'request-invalid');
  assertProblem(await post(`${imports}/crl?dry=true`, text), 'request-invalid');
  const large = 'x'.repeat(100_001);
  const answer = await post(`${imports}/crl`, text, large);
  assertProblem(answer, 'body-too-large');
  assert.equal(answer.headers.connection, 'close');
  assert.equal((await post(`${imports}/crl`, text, large.slice(1))).statusCode, 200);
  // Also where nobody says beforehand how large it is.
  const streamed = Readable.from([Buffer.from(large.slice(1)), Buffer.from('x')]);
  const options = { payload: streamed, headers: text };
  assertProblem(await call('admin', 'POST', `${imports}/crl`, options), 'body-too-large');
  assert.equal(parts.asked.imported.length, 1);
});

test('what the import throws is answered, and the rest of the body is not waited for', async (t) => {
  const { call, parts } = await testApp(t);
  Object.assign(parts.imports, {
    importIndex: async () => {
      throw new Fault('too-many-requests', 'Another import is under way.', { retryAfterSeconds: 30 });
    },
  });
  const answer = await call('admin', 'POST', `${imports}/openssl-index`, { payload: 'x', headers: text });
  assertProblem(answer, 'too-many-requests');
  assert.equal(answer.headers['retry-after'], '30');
  assert.equal(answer.headers.connection, 'close');
});

/** A request over a socket, written by hand. */
async function slowly(
  port: number,
  token: string,
  pieces: readonly string[],
  pauseMs: number,
): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const answer: Buffer[] = [];
  socket.on('data', (chunk) => answer.push(chunk));
  const ended = once(socket, 'close');
  socket.write(
    `POST ${imports}/crl HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${token}\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n`,
  );
  for (const piece of pieces) {
    socket.write(`${piece.length.toString(16)}\r\n${piece}\r\n`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  if (pieces.length > 1) socket.write('0\r\n\r\n');
  await ended;
  return Buffer.concat(answer).toString();
}

test('a client that goes away in the middle is no fault of ours', async (t) => {
  const { app, parts } = await testApp(t);
  const failed = new Promise<unknown>((resolve) => {
    const { importCrl } = parts.imports;
    Object.assign(parts.imports, {
      importCrl: (request: Parameters<typeof importCrl>[0]) =>
        importCrl(request).catch((error: unknown) => {
          resolve(error);
          throw error;
        }),
    });
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  socket.write(
    `POST ${imports}/crl HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${parts.token([{ role: 'admin' }])}\r\nContent-Type: text/plain\r\nContent-Length: 99\r\n\r\nhalf`,
    () => socket.destroy(),
  );
  const error = await failed;
  assert.ok(error instanceof Fault && error.code === 'request-invalid' && /broke off/.test(error.message));
});

test('an import may take longer than a request, but each piece has to come in time', async (t) => {
  const { app, parts } = await testApp(t, { options: { requestTimeoutMilliseconds: 1_000 } });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const token = parts.token([{ role: 'admin' }]);
  const pieces = Array.from({ length: 8 }, () => 'piece');
  assert.match(await slowly(port, token, pieces, 300), /^HTTP\/1\.1 200 /);
  assert.equal(parts.asked.imported.at(-1)?.octets.length, 40);
  assert.match(await slowly(port, token, ['piece'], 1), /^HTTP\/1\.1 408 [\s\S]*did not arrive in time/);
  assert.equal(parts.asked.imported.length, 1);
  assert.equal(app.server.requestTimeout, 1_000);
});
