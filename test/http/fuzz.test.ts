import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { csr, testApp } from './support.ts';

const mediaTypes = [
  'application/json',
  'application/pkcs10',
  'application/json; charset=utf-8',
  'text/plain',
  '',
  'a/b;;',
];
const paths = [
  '/v1/certificates',
  '/v1/tokens',
  '/v1/certificates/00ff/revoke',
  '/v1/certificates/00ff/revoke-by-key',
  '/v1/certificates/00ff/release',
  '/v1/revocations',
  '/v1/namespaces/shop/ingresses/web/client-verification',
];
/** Visible ASCII: what a header can carry. */
const field = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
  maxLength: 60,
});

test('no body, query, media type or header makes the service answer 5xx', async (t) => {
  const { call } = await testApp(t);
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((octets) => Buffer.from(octets)),
    fc.string({ unit: 'binary', maxLength: 100 }),
    fc.json(),
    fc
      .record(
        { csr: fc.anything(), profile: fc.anything(), validity: fc.anything(), metadata: fc.anything() },
        { requiredKeys: [] },
      )
      .map(
        (value) =>
          JSON.stringify(value, (_key, member) => (typeof member === 'bigint' ? String(member) : member)) ??
          '',
      ),
    fc
      .dictionary(fc.string(), fc.string({ unit: 'binary' }))
      .map((metadata) => JSON.stringify({ csr, metadata })),
  );
  const query = fc.oneof(fc.constant(''), fc.webQueryParameters(), fc.string().map(encodeURIComponent));
  const property = fc.asyncProperty(
    fc.constantFrom(...paths),
    fc.constantFrom('POST', 'PUT', 'GET', 'DELETE', 'PATCH'),
    fc.constantFrom(...mediaTypes),
    query,
    body,
    field,
    async (path, method, mediaType, parameters, payload, header) => {
      const headers = {
        'content-type': mediaType,
        accept: header,
        'idempotency-key': header,
        'if-none-match': header,
      };
      const answer = await call('admin', method, `${path}?${parameters}`, { headers, payload });
      assert.ok(answer.statusCode < 500, `${method} ${path} ${answer.body}`);
      if (answer.statusCode >= 400) assert.match(String(answer.headers['content-type']), /problem\+json/);
    },
  );
  await fc.assert(property, { numRuns: 500 });
});

test('no path makes the service answer 5xx', async (t) => {
  const { call } = await testApp(t);
  const segment = fc.oneof(
    fc.constantFrom('v1', 'certificates', 'ca', 'crl', 'docs', 'static', '..', '%00', '%2f'),
    fc.webSegment(),
  );
  const property = fc.asyncProperty(fc.array(segment, { maxLength: 6 }), async (segments) => {
    const answer = await call('admin', 'GET', `/${segments.join('/')}`);
    assert.ok(answer.statusCode < 500, answer.body);
  });
  await fc.assert(property, { numRuns: 300 });
});
