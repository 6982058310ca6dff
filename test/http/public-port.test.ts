import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildHttpApp, buildPublicApp } from '../../src/http/app.ts';
import { fakeParts } from './fake-parts.ts';
import { assertProblem } from './support.ts';

/** What the port of HTTP_PUBLIC_PORT has, and all of it. */
const open = [
  '/ca/internal-ca.pem',
  '/ca/internal-ca.crt',
  '/crl/internal-ca.crl',
  '/crl/internal-ca.pem',
  '/crl/internal-ca/delta.crl',
  '/crl/internal-ca/shards/8/3.crl',
  '/livez',
  '/readyz',
];

test('the public port answers as the other one does, headers included', async (t) => {
  const parts = fakeParts();
  const [all, few] = await Promise.all([buildHttpApp(parts), buildPublicApp(parts)]);
  t.after(() => Promise.all([all.close(), few.close()]));
  for (const url of open) {
    const headers = { 'x-request-id': 'one' };
    const [one, other] = [await all.inject({ url, headers }), await few.inject({ url, headers })];
    assert.equal(other.statusCode, 200, url);
    assert.deepEqual(other.rawPayload, one.rawPayload, url);
    const { date: _, ...expected } = one.headers;
    const { date: __, ...found } = other.headers;
    assert.deepEqual(found, expected, url);
    assert.equal((await few.inject({ method: 'HEAD', url })).statusCode, 200, url);
  }
});

test('whatever else the service has is not there, with a token or without', async (t) => {
  const parts = fakeParts();
  const [all, few] = await Promise.all([buildHttpApp(parts), buildPublicApp(parts)]);
  t.after(() => Promise.all([all.close(), few.close()]));
  const authorization = `Bearer ${parts.token([{ role: 'admin' }])}`;
  const calls = Object.entries(all.swagger().paths ?? {}).flatMap(([path, operations]) =>
    Object.keys(operations ?? {}).map((method) => ({ method, path })),
  );
  const closed = calls.filter(({ path }) => !open.includes(example(path)) && !path.startsWith('/ocsp/'));
  assert.ok(closed.length > 15);
  const paths = [...closed, { method: 'get', path: '/docs' }, { method: 'get', path: '/openapi.json' }];
  for (const { method, path } of paths) {
    const url = path.replaceAll(/\{\w+\}/g, 'x');
    for (const headers of [{}, { authorization }]) {
      const refused = await few.inject({ method: methodOf(method), url, headers });
      assertProblem(refused, 'route-not-found', { detail: 'This port has the public files only.' });
    }
  }
  assert.deepEqual(parts.asked.issued, []);
});

test('a method that is not for reading is refused on a public file', async (t) => {
  const few = await buildPublicApp(fakeParts());
  t.after(() => few.close());
  assertProblem(await few.inject({ method: 'POST', url: '/crl/internal-ca.crl' }), 'method-not-allowed');
});

test('not ready is not ready on both ports', async (t) => {
  const parts = fakeParts();
  const few = await buildPublicApp(parts);
  t.after(() => few.close());
  parts.ready = false;
  assert.equal((await few.inject('/readyz')).statusCode, 503);
  assert.equal((await few.inject('/livez')).statusCode, 200);
});

function example(path: string): string {
  return path.replace('{name}', 'internal-ca').replace('{count}', '8').replace('{index}', '3');
}

function methodOf(text: string): 'GET' | 'POST' | 'PUT' | 'DELETE' {
  const method = (['GET', 'POST', 'PUT', 'DELETE'] as const).find((one) => one === text.toUpperCase());
  assert.ok(method, text);
  return method;
}
