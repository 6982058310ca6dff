import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { buildHttpApp, buildPublicApp } from '../../src/http/app.ts';
import { type OcspBench, ocspBench } from '../ocsp/harness.ts';
import { certIdOf, ocspRequestOf, readOcspResponse } from '../x509/build-ocsp.ts';
import { fakeParts } from './fake-parts.ts';
import { assertProblem } from './support.ts';

const type = 'application/ocsp-request';

async function start(t: TestContext) {
  const bench = await ocspBench(t);
  const parts = { ...fakeParts(), ocsp: bench.service, clock: bench.clock };
  const apps = await Promise.all([buildHttpApp(parts), buildPublicApp(parts)]);
  t.after(() => Promise.all(apps.map((app) => app.close())));
  return { bench, apps, app: apps[0] };
}

function requestFor({ authority }: OcspBench, serial: string, nonce?: Buffer): Buffer {
  return ocspRequestOf([certIdOf(authority.certificate, serial)], nonce === undefined ? {} : { nonce });
}

/** As RFC 6960 appendix A.1 writes it: base64, then percent-encoded. */
function pathOf(request: Buffer): string {
  return `/ocsp/internal-ca/${encodeURIComponent(request.toString('base64'))}`;
}

test('POST answers without a token, on both ports, and no cache keeps it', async (t) => {
  const { bench, apps } = await start(t);
  const payload = requestFor(bench, await bench.issue());
  for (const app of apps) {
    const answer = await app.inject({
      method: 'POST',
      url: '/ocsp/internal-ca',
      headers: { 'content-type': type },
      payload,
    });
    assert.equal(answer.statusCode, 200);
    assert.equal(answer.headers['content-type'], 'application/ocsp-response');
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.equal(readOcspResponse(answer.rawPayload).responses[0]?.status, 'good');
  }
});

test('GET has what caches need, and a max-age that ends before nextUpdate', async (t) => {
  const { bench, apps, app } = await start(t);
  const url = pathOf(requestFor(bench, await bench.issue()));
  for (const one of apps) {
    const answer = await one.inject({ url });
    assert.equal(answer.statusCode, 200);
    const { responses } = readOcspResponse(answer.rawPayload);
    assert.equal(answer.headers['cache-control'], 'max-age=300, public, no-transform, must-revalidate');
    assert.equal(answer.headers['last-modified'], responses[0]?.thisUpdate.toUTCString());
    assert.equal(answer.headers.expires, new Date(bench.clock.now() + 300_000).toUTCString());
  }
  bench.clock.advance(3_590);
  const renewed = await app.inject({ url });
  const late = await app.inject({ url });
  assert.equal(renewed.headers['cache-control'], 'max-age=10, public, no-transform, must-revalidate');
  assert.equal(late.headers['cache-control'], 'max-age=300, public, no-transform, must-revalidate');
});

test('who has it gets 304; a revocation makes another one of it', async (t) => {
  const { bench, app } = await start(t);
  const serial = await bench.issue();
  const url = pathOf(requestFor(bench, serial));
  const { etag } = (await app.inject({ url })).headers;
  assert.match(String(etag), /^"[0-9a-f]{64}"$/);
  const again = await app.inject({ url, headers: { 'if-none-match': `"other", ${etag}` } });
  assert.deepEqual([again.statusCode, again.rawPayload.length], [304, 0]);
  assert.equal(again.headers.etag, etag);
  assert.ok(again.headers['cache-control']);
  bench.index.revoked.set(`internal-ca/${serial}`, {
    reason: 'keyCompromise',
    revokedAt: new Date(bench.clock.now()),
  });
  const revoked = await app.inject({ url, headers: { 'if-none-match': String(etag) } });
  assert.equal(revoked.statusCode, 200);
  assert.equal(readOcspResponse(revoked.rawPayload).responses[0]?.reason, 'keyCompromise');
});

test('what is for one client alone, or may change at any time, is kept by no cache', async (t) => {
  const { bench, app } = await start(t);
  const withNonce = pathOf(requestFor(bench, await bench.issue(), Buffer.alloc(32, 1)));
  const unknown = pathOf(requestFor(bench, '7fffffffffffffffffffffffffffffff'));
  const malformed = '/ocsp/internal-ca/AAAA';
  for (const url of [withNonce, unknown, malformed]) {
    const answer = await app.inject({ url });
    assert.equal(answer.statusCode, 200);
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.equal(answer.headers.etag, undefined);
  }
});

test('GET as clients write it: with slashes as they are, a slash too many, without padding; HEAD', async (t) => {
  const { bench, app } = await start(t);
  // One with every character that needs care.
  const base64 = Array.from({ length: 1_000 }, (_, n) =>
    requestFor(bench, (0x7f00_0000 + n).toString(16)).toString('base64'),
  ).find((text) => text.includes('/') && text.includes('+') && text.endsWith('='));
  assert.ok(base64);
  const forms = [base64, `/${base64}`, encodeURIComponent(base64), base64.replace(/=+$/, '')];
  for (const form of forms) {
    const answer = await app.inject({ url: `/ocsp/internal-ca/${form}` });
    assert.equal(readOcspResponse(answer.rawPayload).code, 0, form);
  }
  const head = await app.inject({ method: 'HEAD', url: `/ocsp/internal-ca/${encodeURIComponent(base64)}` });
  assert.deepEqual([head.statusCode, head.rawPayload.length], [200, 0]);
});

test('what is no request is malformedRequest, by POST and by GET', async (t) => {
  const { app } = await start(t);
  const headers = { 'content-type': type };
  for (const payload of [Buffer.alloc(0), Buffer.from('junk'), Buffer.alloc(8_000, 0x30)]) {
    const answer = await app.inject({ method: 'POST', url: '/ocsp/internal-ca', headers, payload });
    assert.equal(answer.statusCode, 200);
    assert.deepEqual([...answer.rawPayload], [0x30, 3, 0x0a, 1, 1]);
  }
  const paths = ['', '%20', 'not-base64!', 'AAA', `${'A'.repeat(9_000)}`, '%F0%9F%98%80', 'MD%0AA='];
  for (const path of paths) {
    const answer = await app.inject({ url: `/ocsp/internal-ca/${path}` });
    assert.equal(answer.statusCode, 200, path);
    assert.deepEqual([...answer.rawPayload], [0x30, 3, 0x0a, 1, 1], path);
  }
});

test('what HTTP can say itself is a problem document', async (t) => {
  const { bench, app } = await start(t);
  const payload = requestFor(bench, '01');
  const post = (url: string, contentType: string, body: Buffer) =>
    app.inject({ method: 'POST', url, headers: { 'content-type': contentType }, payload: body });
  assertProblem(await post('/ocsp/nobody', type, payload), 'authority-not-found');
  assertProblem(await app.inject({ url: '/ocsp/nobody/AAAA' }), 'authority-not-found');
  assertProblem(await post('/ocsp/internal-ca', 'application/json', payload), 'request-invalid');
  assertProblem(await post('/ocsp/internal-ca', 'text/plain', payload), 'media-type-unsupported');
  assertProblem(await post('/ocsp/internal-ca', type, Buffer.alloc(8_193)), 'body-too-large');
  assertProblem(await post('/ocsp/Not%20a%20name', type, payload), 'request-invalid');
  assertProblem(await app.inject({ url: '/ocsp/internal-ca' }), 'method-not-allowed');
});

test('switched off, it says so', async (t) => {
  const app = await buildPublicApp(fakeParts());
  t.after(() => app.close());
  const headers = { 'content-type': type };
  const post = await app.inject({ method: 'POST', url: '/ocsp/internal-ca', headers, payload: Buffer.of(0) });
  assertProblem(post, 'ocsp-off');
  assertProblem(await app.inject({ url: '/ocsp/internal-ca/AAAA' }), 'ocsp-off');
});
