import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { now } from './fake-parts.ts';
import { assertProblem, testApp } from './support.ts';

const day = 86_400_000;
/** What the stand-in CRL says. */
const nextUpdate = now + 6 * day;

test('each file has its own media type and octets', async (t) => {
  const { call } = await testApp(t);
  const files = {
    '/ca/internal-ca.pem': [
      'application/x-pem-file',
      '-----BEGIN CERTIFICATE-----\nY2E=\n-----END CERTIFICATE-----\n',
    ],
    '/ca/internal-ca.crt': ['application/pkix-cert', 'ca'],
    '/crl/internal-ca.crl': ['application/pkix-crl', 'a CRL'],
    '/crl/internal-ca.pem': ['application/x-pem-file', '-----BEGIN X509 CRL-----\n'],
    '/crl/internal-ca/delta.crl': ['application/pkix-crl', 'a delta CRL'],
    '/crl/internal-ca/shards/16/0.crl': ['application/pkix-crl', 'part 0 of 16'],
    '/crl/internal-ca/shards/256/255.crl': ['application/pkix-crl', 'part 255 of 256'],
  };
  for (const [url, [type, body]] of Object.entries(files)) {
    const answer = await call(undefined, 'GET', url);
    assert.equal(answer.headers['content-type'], type);
    assert.equal(answer.body, body);
    assert.equal(answer.headers['set-cookie'], undefined);
  }
  for (const url of [
    '/ca/other.pem',
    '/ca/other.crt',
    '/crl/other.crl',
    '/crl/other.pem',
    '/crl/other/delta.crl',
    '/crl/other/shards/2/0.crl',
  ])
    assertProblem(await call(undefined, 'GET', url), 'authority-not-found');
});

test('a client that has the file is told so', async (t) => {
  const { call } = await testApp(t);
  const url = '/crl/internal-ca.crl';
  const { headers } = await call(undefined, 'GET', url);
  const tag = `"${createHash('sha256').update('a CRL').digest('hex')}-der"`;
  assert.equal(headers.etag, tag);
  assert.equal(headers['last-modified'], 'Sun, 22 Nov 2026 12:00:00 GMT');
  for (const field of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
    const answer = await call(undefined, 'GET', url, { headers: { 'if-none-match': field } });
    assert.equal(answer.statusCode, 304, field);
    assert.equal(answer.body, '');
    assert.equal(answer.headers.etag, tag);
    assert.equal(answer.headers['cache-control'], 'public, max-age=300');
  }
  const other = await call(undefined, 'GET', url, { headers: { 'if-none-match': '"other"' } });
  assert.equal(other.statusCode, 200);
  assert.notEqual((await call(undefined, 'GET', '/crl/internal-ca.pem')).headers.etag, tag);
});

test('HEAD is GET without the body', async (t) => {
  const { call } = await testApp(t);
  const get = await call(undefined, 'GET', '/crl/internal-ca.crl');
  const head = await call(undefined, 'HEAD', '/crl/internal-ca.crl');
  assert.equal(head.statusCode, 200);
  assert.equal(head.body, '');
  for (const name of ['etag', 'content-type', 'content-length', 'cache-control'])
    assert.equal(head.headers[name], get.headers[name], name);
});

test('no cache keeps a CRL beyond its nextUpdate', async (t) => {
  const { call, parts } = await testApp(t);
  const cacheControl = async (time: number): Promise<unknown> => {
    parts.clock.time = time;
    return (await call(undefined, 'GET', '/crl/internal-ca.crl')).headers['cache-control'];
  };
  assert.equal(await cacheControl(now), 'public, max-age=300');
  assert.equal(await cacheControl(nextUpdate - 300_000), 'public, max-age=300');
  assert.equal(await cacheControl(nextUpdate - 100_500), 'public, max-age=100');
  assert.equal(await cacheControl(nextUpdate - 999), 'no-cache');
  assert.equal(await cacheControl(nextUpdate), 'no-cache');
  assert.equal(await cacheControl(nextUpdate + day), 'no-cache');
});

test('a CA certificate is kept for a day, and not beyond its end', async (t) => {
  const { call, parts } = await testApp(t);
  const cacheControl = async (): Promise<unknown> =>
    (await call(undefined, 'GET', '/ca/internal-ca.crt')).headers['cache-control'];
  assert.equal(await cacheControl(), 'public, max-age=86400');
  parts.clock.time = now + 3_650 * day - 10_000;
  assert.equal(await cacheControl(), 'public, max-age=10');
});
