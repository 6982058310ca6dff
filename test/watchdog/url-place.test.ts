import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { fetchFile } from '../../src/watchdog/fetch-file.ts';
import { shownUrl, urlPlace } from '../../src/watchdog/url-place.ts';
import { eventually } from '../support/eventually.ts';
import { serverIdentity } from '../support/tls-files.ts';
import { type Published, pemOf, publishedBy } from './published.ts';

type Answering = (request: IncomingMessage, response: ServerResponse) => void;

async function setUp(t: TestContext, published: Published, o: Partial<Parameters<typeof urlPlace>[0]> = {}) {
  const asked: IncomingMessage[] = [];
  const web: { answer: Answering } = { answer: (_request, response) => void response.end() };
  const server = createServer((request, response) => {
    asked.push(request);
    web.answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const url = new URL(`http://user:hunter2@127.0.0.1:${port}/x.crl?token=hunter3`);
  const place = urlPlace({
    id: `url:${shownUrl(url)}`,
    url: () => url,
    graceSeconds: 360,
    authorities: [published.watched],
    form: 'complete',
    crlsOf: () => ['internal-ca'],
    isOurs: false,
    ...o,
  });
  return { web, asked, place, origin: url.origin };
}

test('a file that is still the same is not sent again, and one that is in doubt is', async (t) => {
  const published = await publishedBy();
  const { web, asked, place } = await setUp(t, published);
  const der = await published.crl(7n);
  web.answer = ({ headers }, response) => {
    response.setHeader('ETag', '"a"');
    if (headers['if-none-match'] === '"a"') response.writeHead(304).end();
    else response.end(der);
  };
  const first = await place.look(AbortSignal.any([]));
  assert.partialDeepStrictEqual(first, { kind: 'content', crls: [{ number: 7n }] });
  assert.deepEqual(await place.look(AbortSignal.any([])), first);
  assert.equal(asked[1]?.headers['if-none-match'], '"a"');
  place.doubt();
  assert.deepEqual(await place.look(AbortSignal.any([])), first);
  assert.equal(asked[2]?.headers['if-none-match'], undefined);
  assert.equal(asked[0]?.headers.authorization, `Basic ${Buffer.from('user:hunter2').toString('base64')}`);
  assert.doesNotMatch(place.id, /hunter/);
});

test('DER or PEM, and nothing else is taken for a CRL', async (t) => {
  const published = await publishedBy();
  const { web, place } = await setUp(t, published);
  const der = await published.crl(7n);
  const kindOf = async (body: Buffer | string): Promise<string> => {
    web.answer = (_request, response) => void response.end(body);
    const content = await place.look(AbortSignal.any([]));
    if (content.kind === 'broken') assert.doesNotMatch(content.detail, /hello/);
    return content.kind;
  };
  assert.equal(await kindOf(der), 'content');
  assert.equal(await kindOf(pemOf(der)), 'content');
  for (const body of ['', '<html>hello</html>', pemOf(der, der), published.caCrt, der.subarray(0, 100)])
    assert.equal(await kindOf(body), 'broken');
  assert.equal(await kindOf(await published.crl(7n, { deltaBase: 6n })), 'broken');
});

test('a delta is a delta, and its absence is a fault only where there should be one', async (t) => {
  const published = await publishedBy();
  let expected: string[] = ['internal-ca'];
  const { web, place } = await setUp(t, published, { form: 'delta', crlsOf: () => expected });
  const bodies = [await published.crl(7n, { deltaBase: 6n }), await published.crl(7n)];
  web.answer = (_request, response) => void response.end(bodies.shift());
  assert.equal((await place.look(AbortSignal.any([]))).kind, 'content');
  assert.equal((await place.look(AbortSignal.any([]))).kind, 'broken', 'the whole is no delta');
  bodies.push(await published.crl(7n, { deltaBase: 6n, distributionPoint: 'http://ca.example/1.crl' }));
  assert.equal((await place.look(AbortSignal.any([]))).kind, 'broken', 'nor is a part of one');
  web.answer = (_request, response) => void response.writeHead(404).end();
  assert.equal((await place.look(AbortSignal.any([]))).kind, 'missing');
  expected = [];
  assert.equal((await place.look(AbortSignal.any([]))).kind, 'gone');
});

test('redirects are not followed, and errors tell nothing but the status', async (t) => {
  const published = await publishedBy();
  const { web, asked, place } = await setUp(t, published);
  web.answer = (_request, response) => void response.writeHead(302, { Location: '/elsewhere' }).end('hello');
  await assert.rejects(
    place.look(AbortSignal.any([])),
    /^NotFetched: the answer has status 302, and redirects are not followed$/,
  );
  assert.equal(asked.length, 1);
  web.answer = (_request, response) => void response.writeHead(500).end('hello');
  await assert.rejects(place.look(AbortSignal.any([])), /^NotFetched: the answer has status 500$/);
  web.answer = (_request, response) => void response.writeHead(304).end();
  await assert.rejects(
    place.look(AbortSignal.any([])),
    /status 304/,
    'it has no file that could be the same',
  );
  web.answer = (request) => void request.socket.destroy();
  await assert.rejects(place.look(AbortSignal.any([])), /^NotFetched: it is not reachable \(ECONNRESET\)$/);
  web.answer = (_request, response) => void response.writeHead(410).end();
  assert.equal((await place.look(AbortSignal.any([]))).kind, 'missing');
});

test('an answer without an end is cut off', async (t) => {
  const published = await publishedBy();
  const { web, place } = await setUp(t, published);
  const chunk = Buffer.alloc(1024 * 1024);
  web.answer = (_request, response) => {
    const send = (): void => {
      while (!response.destroyed && response.write(chunk));
      if (!response.destroyed) response.once('drain', send);
    };
    send();
  };
  await assert.rejects(place.look(AbortSignal.any([])), /more than 67108864 octets/);
});

test('a mirror that has the file no longer has lost it, though any authority would do', async (t) => {
  const { web, place } = await setUp(t, await publishedBy(), { crlsOf: () => [] });
  web.answer = (_request, response) => void response.writeHead(404).end();
  assert.equal((await place.look(AbortSignal.any([]))).kind, 'missing');
});

test('half a file is none, and a coding that nobody asked for is not undone', async (t) => {
  const published = await publishedBy();
  const { web, asked, place } = await setUp(t, published);
  const der = await published.crl(7n);
  web.answer = (_request, response) => {
    response.writeHead(200, { 'Content-Length': der.length });
    response.write(der.subarray(0, 100), () => response.destroy());
  };
  await assert.rejects(place.look(AbortSignal.any([])), /^NotFetched: it is not reachable \(ECONNRESET\)$/);
  assert.equal(asked[0]?.headers['accept-encoding'], 'identity');
  web.answer = (_request, response) => {
    response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync(der));
  };
  assert.equal((await place.look(AbortSignal.any([]))).kind, 'broken');
  web.answer = (_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/html' }).end(der);
  };
  assert.equal((await place.look(AbortSignal.any([]))).kind, 'content', 'the octets count, not their label');
});

test('who nobody waits for any more is not waited for, and nobody longer than the time', async (t) => {
  const published = await publishedBy();
  const { web, place, asked, origin } = await setUp(t, published);
  web.answer = () => undefined;
  const over = new AbortController();
  const look = place.look(over.signal);
  await eventually(() => assert.equal(asked.length, 1));
  over.abort();
  await assert.rejects(look, /^NotFetched: it is not reachable \(ABORT_ERR\)$/);
  const options = { maxOctets: 1_000, timeoutMs: 50, over: AbortSignal.any([]) };
  const late = /^NotFetched: no answer within 0.05 s$/;
  await assert.rejects(fetchFile(new URL(origin), options), late);
  web.answer = (_request, response) => void response.write('a');
  await assert.rejects(fetchFile(new URL(origin), options), late);
});

test("any certificate will do at our own port, which is not named by it, and at nobody else's", async (t) => {
  const published = await publishedBy();
  const der = await published.crl(7n);
  const { certificatePem: cert, keyPem: key } = await serverIdentity('localhost');
  const server = createTlsServer({ cert, key }, (_request, response) => void response.end(der));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => void server.close());
  const url = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}/x.crl`);
  const of = (isOurs: boolean) => setUp(t, published, { url: () => url, isOurs });
  const [ours, others] = [await of(true), await of(false)];
  assert.equal((await ours.place.look(AbortSignal.any([]))).kind, 'content');
  await assert.rejects(
    others.place.look(AbortSignal.any([])),
    /^NotFetched: it is not reachable \(DEPTH_ZERO_SELF_SIGNED_CERT\)$/,
  );
});
