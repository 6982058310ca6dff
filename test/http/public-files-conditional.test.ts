import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { buildHttpApp } from '../../src/http/app.ts';
import { fakeParts, now } from './fake-parts.ts';
import { type Answer, assertProblem } from './support.ts';

/** RFC 9110 sections 8.8, 12.5.3, 13 and 14, on a CRL of some size. */

const url = '/crl/internal-ca.crl';
const der = Buffer.concat(
  Array.from({ length: 2_000 }, () => Buffer.concat([randomBytes(16), Buffer.alloc(24)])),
);
const sha256 = createHash('sha256').update(der).digest('hex');
const tag = `"${sha256}-der"`;
const signed = 'Mon, 23 Nov 2026 11:00:00 GMT';
const before = 'Mon, 23 Nov 2026 10:59:59 GMT';
const after = 'Mon, 23 Nov 2026 11:00:01 GMT';

interface Crl {
  /** The CRL's number; by default the second of its signing. */
  readonly number?: bigint;
}

type Get = (
  headers?: Record<string, string>,
  more?: { method?: 'HEAD' | 'GET'; url?: string },
) => Promise<Answer>;

async function serve(t: TestContext, { number = BigInt(Date.parse(signed) / 1000) }: Crl = {}): Promise<Get> {
  const parts = fakeParts();
  const crl = { ...(await parts.crls.current('internal-ca')), der, sha256, number };
  const app = await buildHttpApp({ ...parts, crls: { current: async () => crl } });
  t.after(() => app.close());
  return (headers = {}, { method = 'GET', url: path = url } = {}) =>
    app.inject({ method, url: path, headers });
}

function assertWhole(answer: Answer): void {
  assert.equal(answer.statusCode, 200);
  assert.ok(answer.rawPayload.equals(der));
  assert.equal(answer.headers['content-length'], String(der.length));
  assert.equal(answer.headers['content-encoding'], undefined);
  assert.equal(answer.headers['content-range'], undefined);
  assert.equal(answer.headers.etag, tag);
  assert.equal(answer.headers['last-modified'], signed);
  assert.equal(answer.headers['accept-ranges'], 'bytes');
  assert.equal(answer.headers.vary, 'accept-encoding');
}

function assertHeld(answer: Answer, held = tag): void {
  assert.equal(answer.statusCode, 304);
  assert.equal(answer.body, '');
  assert.equal(answer.headers.etag, held);
  assert.equal(answer.headers['last-modified'], signed);
  assert.equal(answer.headers['cache-control'], 'public, max-age=300');
  assert.equal(answer.headers.vary, 'accept-encoding');
  for (const name of ['content-length', 'content-type', 'content-encoding', 'accept-ranges'])
    assert.equal(answer.headers[name], undefined, name);
}

test('If-Modified-Since: the second in which the CRL was signed, or later', async (t) => {
  const get = await serve(t);
  assertWhole(await get());
  for (const since of [signed, after, 'Monday, 23-Nov-26 11:00:00 GMT', 'Mon Nov 23 11:00:00 2026'])
    assertHeld(await get({ 'if-modified-since': since }));
  assertHeld(await get({ 'if-modified-since': signed }, { method: 'HEAD' }));
  for (const since of [before, 'yesterday', '']) assertWhole(await get({ 'if-modified-since': since }));
  // 13.1.3: not looked at beside If-None-Match.
  assertWhole(await get({ 'if-modified-since': signed, 'if-none-match': '"other"' }));
  assertHeld(await get({ 'if-modified-since': before, 'if-none-match': tag }));
});

test('a CRL whose number is not the second of its signing has no date', async (t) => {
  // Ahead: of several CRLs within a second, the later ones. Behind: numbers that were not made from the time.
  for (const number of [BigInt(now / 1000) + 1n, 17n, 2n ** 150n]) {
    const get = await serve(t, { number });
    const answer = await get({ 'if-modified-since': after, 'if-unmodified-since': before });
    assert.equal(answer.statusCode, 200);
    assert.equal(answer.headers['last-modified'], undefined);
    assert.equal((await get({ 'if-none-match': tag })).statusCode, 304);
    const part = await get({ range: 'bytes=0-1', 'if-range': signed });
    assert.equal(part.statusCode, 200);
  }
});

test('If-None-Match: the weak comparison, of any in a list', async (t) => {
  const get = await serve(t);
  for (const field of [tag, `W/${tag}`, `"a,b" , ${tag}`, `"other",${tag}`, '*', ' * '])
    assertHeld(await get({ 'if-none-match': field }));
  for (const field of ['"other"', sha256, `"${sha256}"`, tag.toUpperCase(), ''])
    assertWhole(await get({ 'if-none-match': field }));
});

test('If-Match and If-Unmodified-Since: the strong comparison, or nothing', async (t) => {
  const get = await serve(t);
  for (const field of [tag, `"other", ${tag}`, '*']) assertWhole(await get({ 'if-match': field }));
  for (const field of [`W/${tag}`, '"other"', ''])
    assertProblem(await get({ 'if-match': field }), 'precondition-failed');
  for (const since of [signed, after, 'never']) assertWhole(await get({ 'if-unmodified-since': since }));
  const failed = await get({ 'if-unmodified-since': before });
  assertProblem(failed, 'precondition-failed');
  assert.equal(failed.headers.etag, undefined);
  // 13.2.2: If-Match counts instead of the date, and comes before If-None-Match.
  assertWhole(await get({ 'if-match': tag, 'if-unmodified-since': before }));
  assertProblem(await get({ 'if-match': '"other"', 'if-none-match': tag }), 'precondition-failed');
});

test('Range: one part of the file, to who has the rest of these very octets', async (t) => {
  const get = await serve(t);
  const assertPart = (answer: Answer, start: number, end: number) => {
    assert.equal(answer.statusCode, 206);
    assert.ok(answer.rawPayload.equals(der.subarray(start, end)));
    assert.equal(answer.headers['content-range'], `bytes ${start}-${end - 1}/${der.length}`);
    assert.equal(answer.headers['content-length'], String(end - start));
    assert.equal(answer.headers.etag, tag);
    assert.equal(answer.headers['content-type'], 'application/pkix-crl');
  };
  assertPart(await get({ range: 'bytes=100-199' }), 100, 200);
  assertPart(await get({ range: 'bytes=70000-' }), 70_000, der.length);
  assertPart(await get({ range: 'bytes=1-' }), 1, der.length);
  assertPart(await get({ range: 'bytes=-5' }), der.length - 5, der.length);
  assertPart(await get({ range: 'bytes=0-9', 'if-range': tag }), 0, 10);
  assertPart(await get({ range: 'bytes=0-9', 'if-range': signed }), 0, 10);
  assertPart(await get({ range: 'bytes=0-9', 'if-none-match': '"other"', 'if-match': tag }), 0, 10);
  for (const ifRange of [
    `W/${tag}`,
    '"other"',
    `"other", ${tag}`,
    `${tag}, ${tag}`,
    '*',
    before,
    after,
    'soon',
    '',
  ])
    assertWhole(await get({ range: 'bytes=0-9', 'if-range': ifRange }));
  for (const range of ['bytes=0-1,5-6', 'bytes=9-0', 'lines=1-2', 'bytes=x'])
    assertWhole(await get({ range }));
  assertHeld(await get({ range: 'bytes=0-9', 'if-none-match': tag }));
});

test('a range that the file does not have says how long it is', async (t) => {
  const get = await serve(t);
  const answer = await get({ range: `bytes=${der.length}-` });
  assertProblem(answer, 'range-not-satisfiable');
  assert.equal(answer.headers['content-range'], `bytes */${der.length}`);
  assert.equal(answer.headers.etag, undefined);
  assertWhole(await get({ range: `bytes=${der.length}-`, 'if-range': '"other"' }));
});

test('HEAD is GET without the octets, and without a range', async (t) => {
  const get = await serve(t);
  for (const headers of [{}, { 'accept-encoding': 'gzip' }, { range: 'bytes=0-9' }]) {
    const head = await get(headers, { method: 'HEAD' });
    const { range: _, ...rest } = { range: '', ...headers };
    const whole = await get(rest);
    assert.equal(head.statusCode, 200);
    assert.equal(head.body, '');
    const { date: _one, 'x-request-id': _two, ...expected } = whole.headers;
    const { date: _three, 'x-request-id': _four, ...found } = head.headers;
    assert.deepEqual(found, expected);
  }
  assertHeld(await get({ 'if-none-match': tag }, { method: 'HEAD' }));
  assert.equal((await get({ range: 'bytes=99999999-' }, { method: 'HEAD' })).statusCode, 200);
});

test('compressed for who accepts it, with a tag of its own', async (t) => {
  const get = await serve(t);
  const decoders = { gzip: gunzipSync, zstd: zstdDecompressSync };
  for (const coding of ['gzip', 'zstd'] as const) {
    const answer = await get({ 'accept-encoding': `${coding}, deflate` });
    assert.equal(answer.statusCode, 200);
    assert.equal(answer.headers['content-encoding'], coding);
    assert.equal(answer.headers['content-type'], 'application/pkix-crl');
    assert.equal(answer.headers['content-length'], String(answer.rawPayload.length));
    assert.ok(answer.rawPayload.length < der.length * 0.7);
    assert.ok(decoders[coding](answer.rawPayload).equals(der));
    const coded = `W/"${sha256}-der-${coding}"`;
    assert.equal(answer.headers.etag, coded);
    assertHeld(await get({ 'accept-encoding': coding, 'if-none-match': coded }), coded);
    // The file as it is does for them too, and they have it.
    assertHeld(await get({ 'accept-encoding': coding, 'if-none-match': tag }));
    assertHeld(await get({ 'accept-encoding': coding, 'if-modified-since': signed }), coded);
    assertWhole(await get({ 'if-none-match': coded }));
    // Its octets may be others elsewhere, so no part of them is put behind what was fetched before.
    for (const ifRange of [coded, coded.slice(2), signed]) {
      const whole = await get({ 'accept-encoding': coding, range: 'bytes=10-', 'if-range': ifRange });
      assert.equal(whole.statusCode, 200, ifRange);
      assert.ok(decoders[coding](whole.rawPayload).equals(der));
    }
    const part = await get({ 'accept-encoding': coding, range: 'bytes=10-19' });
    assert.equal(part.statusCode, 206);
    assert.equal(part.headers['content-encoding'], coding);
    assert.ok(part.rawPayload.equals(answer.rawPayload.subarray(10, 20)));
  }
  for (const field of ['identity', 'br', 'gzip;q=0', 'identity;q=0, br'])
    assertWhole(await get({ 'accept-encoding': field }));
});

test('what gains nothing goes out as it is, under the tag that this has', async (t) => {
  const get = await serve(t);
  const answer = await get({ 'accept-encoding': 'gzip' }, { url: '/crl/internal-ca.pem' });
  assert.equal(answer.statusCode, 200);
  assert.equal(answer.headers['content-encoding'], undefined);
  assert.equal(answer.headers.vary, 'accept-encoding');
  assert.equal(answer.headers.etag, `"${sha256}-pem"`);
});

test('a part of a CRL is the same in meaning wherever it was signed', async (t) => {
  const get = await serve(t);
  const path = '/crl/internal-ca/shards/8/3.crl';
  const answer = await get({}, { url: path });
  assert.equal(answer.headers.etag, 'W/"3-of-8"');
  assert.equal(answer.headers['last-modified'], 'Sun, 22 Nov 2026 12:00:00 GMT');
  assert.equal((await get({ 'if-none-match': '"3-of-8"' }, { url: path })).statusCode, 304);
  for (const ifRange of ['W/"3-of-8"', '"3-of-8"', 'Sun, 22 Nov 2026 12:00:00 GMT'])
    assert.equal((await get({ range: 'bytes=1-', 'if-range': ifRange }, { url: path })).statusCode, 200);
});

test('forms that are not offered are not there', async (t) => {
  const { crlShards: _, ...parts } = fakeParts();
  const { delta: _delta, ...crl } = await parts.crls.current('internal-ca');
  const app = await buildHttpApp({ ...parts, crls: { current: async () => crl } });
  t.after(() => app.close());
  assertProblem(await app.inject('/crl/internal-ca/delta.crl'), 'crl-not-offered');
  assertProblem(await app.inject('/crl/internal-ca/shards/2/0.crl'), 'crl-not-offered');
  assertProblem(await app.inject('/crl/other/shards/2/0.crl'), 'authority-not-found');
});

test('a part is named by a power of two and a number below it', async (t) => {
  const get = await serve(t);
  for (const path of ['0/0', '1/0', '3/0', '512/0', '02/0', '8/08', '8/-1', '8/x', '8/1e1'])
    assertProblem(await get({}, { url: `/crl/internal-ca/shards/${path}.crl` }), 'request-invalid');
  assertProblem(await get({}, { url: '/crl/internal-ca/shards/8/8.crl' }), 'crl-not-offered');
});
