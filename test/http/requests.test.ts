import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertProblem, csr, testApp } from './support.ts';

const json = { 'content-type': 'application/json' };

test('what is nowhere is 404, and what is there with other methods is 405 with Allow', async (t) => {
  const { call } = await testApp(t);
  for (const path of [
    '/',
    '/v1',
    '/v1/nothing',
    '/V1/certificates',
    '/docs/static/nothing.js',
    '/v1/certificates/',
  ])
    assertProblem(
      await call('admin', 'GET', path),
      path.endsWith('/certificates/') ? 'request-invalid' : 'route-not-found',
    );
  const wrong = await call('admin', 'PATCH', '/v1/certificates');
  assertProblem(wrong, 'method-not-allowed', { detail: 'Allowed here: GET, HEAD, POST.' });
  assert.equal(wrong.headers.allow, 'GET, HEAD, POST');
  assert.equal((await call('admin', 'POST', '/crl/internal-ca.crl')).headers.allow, 'GET, HEAD');
  assertProblem(
    await call(undefined, 'DELETE', '/v1/namespaces/a/ingresses/b.c/client-verification/x'),
    'route-not-found',
  );
});

test('a path that is not well formed is 400', async (t) => {
  const { call } = await testApp(t);
  assertProblem(await call('admin', 'GET', '/v1/certificates/%zz'), 'request-invalid');
  assertProblem(await call('admin', 'GET', `/v1/certificates/${'a'.repeat(300)}`), 'request-invalid');
  assertProblem(await call('admin', 'GET', '/v1/authorities/Not_A_Label'), 'request-invalid', {
    field: '/name',
  });
});

test('a body that is not JSON is 400 without a word of it', async (t) => {
  const { call } = await testApp(t);
  for (const payload of [
    '{',
    'null',
    '[]',
    '"csr"',
    '{"csr": "secret", }',
    '{"__proto__": {"csr": "secret"}}',
    '\u0000',
  ]) {
    const answer = await call('admin', 'POST', '/v1/certificates', { payload, headers: json });
    assertProblem(answer, 'request-invalid');
    assert.doesNotMatch(answer.body, /secret/);
  }
});

test('the member at fault is named by a JSON pointer', async (t) => {
  const { call } = await testApp(t);
  const cases: readonly (readonly [object, string])[] = [
    [{}, '/csr'],
    [{ csr: 5 }, '/csr'],
    [{ csr: '' }, '/csr'],
    [{ csr, profil: 'client' }, '/profil'],
    [{ csr, 'a/b~c': 1 }, '/a~1b~0c'],
    [{ csr, profile: 'Client' }, '/profile'],
    [{ csr, profile: null }, '/profile'],
    [{ csr, metadata: { ticket: 5 } }, '/metadata/ticket'],
    [{ csr, metadata: { ticket: 'a\u0000b' } }, '/metadata/ticket'],
    [{ csr, metadata: { ticket: '\ud800' } }, '/metadata/ticket'],
    [{ csr, metadata: { 'a b': 'c' } }, '/metadata'],
    [{ csr, metadata: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`k${i}`, ''])) }, '/metadata'],
  ];
  for (const [payload, field] of cases)
    assertProblem(await call('admin', 'POST', '/v1/certificates', { payload }), 'request-invalid', { field });
  const tokens: readonly (readonly [object, string])[] = [
    [{ name: 'n', grants: [] }, '/grants'],
    [{ name: 'n', grants: [{ role: 'root' }] }, '/grants/0/role'],
    [{ name: 'n', grants: [{ role: 'reader' }, { role: 'issuer' }] }, '/grants/1/profiles'],
    [{ name: 'n', grants: [{ role: 'enforcer', profiles: ['client'] }] }, '/grants/0/profiles'],
    [{ name: 'n', grants: [{ role: 'reader', namespaces: ['shop'] }] }, '/grants/0/namespaces'],
    [{ name: 'n', grants: [{ role: 'reader' }], expiresAt: '2020-01-01T00:00:00Z' }, '/expiresAt'],
    [
      { name: 'n', grants: [{ role: 'reader' }], expiresAt: '2030-01-01T00:00:00Z', expiresIn: 5 },
      '/expiresIn',
    ],
    [{ name: 'n', grants: [{ role: 'reader' }], expiresIn: 'soon' }, '/expiresIn'],
  ];
  for (const [payload, field] of tokens)
    assertProblem(await call('admin', 'POST', '/v1/tokens', { payload }), 'request-invalid', { field });
});

test('other media types are 415 and told what is taken', async (t) => {
  const { call } = await testApp(t);
  const form = await call('admin', 'POST', '/v1/certificates', {
    payload: csr,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  assertProblem(form, 'media-type-unsupported', { detail: 'Send application/json or application/pkcs10.' });
  const elsewhere = await call('admin', 'POST', '/v1/tokens', {
    payload: csr,
    headers: { 'content-type': 'application/pkcs10' },
  });
  assertProblem(elsewhere, 'media-type-unsupported', { detail: 'Send application/json.' });
  assertProblem(
    await call('admin', 'POST', '/v1/tokens', { payload: 'x', headers: { 'content-type': 'text/plain' } }),
    'media-type-unsupported',
  );
});

test('a body above the limit is 413, whatever it is', async (t) => {
  const { call, parts } = await testApp(t, { options: { bodyLimitBytes: 1_000 } });
  const big = 'x'.repeat(1_001);
  assertProblem(
    await call('admin', 'POST', '/v1/certificates', { payload: big, headers: json }),
    'body-too-large',
  );
  const pkcs10 = { 'content-type': 'application/pkcs10' };
  assertProblem(
    await call('admin', 'POST', '/v1/certificates', { payload: big, headers: pkcs10 }),
    'body-too-large',
  );
  assert.equal(parts.asked.issued.length, 0);
  assert.equal(
    (await call('admin', 'POST', '/v1/certificates', { payload: big.slice(1), headers: pkcs10 })).statusCode,
    201,
  );
});

test('the caller is checked before the body is looked at', async (t) => {
  const { call } = await testApp(t, { options: { bodyLimitBytes: 10 } });
  assertProblem(
    await call(undefined, 'POST', '/v1/certificates', { payload: 'x'.repeat(100), headers: json }),
    'unauthenticated',
  );
  assertProblem(
    await call('reader', 'POST', '/v1/certificates', { payload: '{', headers: json }),
    'forbidden',
  );
});

test('a request id that is fit for a log is taken over, another is replaced', async (t) => {
  const { call } = await testApp(t);
  const id = async (given: string): Promise<unknown> =>
    (await call(undefined, 'GET', '/livez', { headers: { 'x-request-id': given } })).headers['x-request-id'];
  assert.equal(await id('abc-123.DEF_4'), 'abc-123.DEF_4');
  for (const bad of ['', 'a b', 'a"b', 'x'.repeat(65), 'é'])
    assert.match(String(await id(bad)), /^[0-9a-f-]{36}$/);
  assert.notEqual(await id(''), await id(''));
});

test('every answer carries the security headers, and the page at /docs can run offline', async (t) => {
  const { call } = await testApp(t);
  for (const url of ['/livez', '/nothing', '/v1/tokens', '/crl/internal-ca.crl']) {
    const { headers } = await call(undefined, 'GET', url);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['content-security-policy'], "default-src 'none';frame-ancestors 'none'");
    assert.equal(headers['referrer-policy'], 'no-referrer');
    assert.equal(headers['x-powered-by'], undefined);
  }
  const page = await call(undefined, 'GET', '/docs');
  assert.match(String(page.headers['content-security-policy']), /script-src 'self';/);
  const sources = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source]) => source ?? '');
  assert.ok(sources.length >= 5);
  for (const source of sources) {
    assert.match(source, /^\/docs\/static\//);
    assert.equal((await call(undefined, 'GET', source)).statusCode, 200, source);
  }
});

test('answers to callers are not stored by caches', async (t) => {
  const { call } = await testApp(t);
  assert.equal((await call('reader', 'GET', '/v1/certificates')).headers['cache-control'], 'no-store');
});

test('readiness names each check', async (t) => {
  const { call, parts } = await testApp(t);
  const check = { name: 'database', required: true };
  assert.deepEqual((await call(undefined, 'GET', '/readyz')).json(), {
    status: 'ready',
    checks: [{ ...check, status: 'ok' }],
  });
  parts.ready = false;
  const answer = await call(undefined, 'GET', '/readyz');
  assert.equal(answer.statusCode, 503);
  assert.deepEqual(answer.json(), { status: 'not-ready', checks: [{ ...check, status: 'failing' }] });
  assert.equal(answer.headers['retry-after'], '5');
  assert.equal((await call(undefined, 'GET', '/livez')).statusCode, 200);
});

test('without Kubernetes every call about Ingresses says so', async (t) => {
  const { call } = await testApp(t, { withoutKubernetes: true });
  const path = '/v1/namespaces/shop/ingresses/web/client-verification';
  for (const [method, url] of [
    ['PUT', path],
    ['GET', path],
    ['DELETE', path],
    ['GET', '/v1/client-verifications'],
  ] as const)
    assertProblem(
      await call('admin', method, url, method === 'PUT' ? { payload: {} } : {}),
      'kubernetes-off',
    );
});

test('an enforcement passes the wish on, and a dry run stays one', async (t) => {
  const { call, parts } = await testApp(t);
  const path = '/v1/namespaces/shop/ingresses/web.front/client-verification';
  const wish = {
    mode: 'optional',
    authority: 'internal-ca',
    controller: 'auto',
    passCertificate: false,
    errorPage: '/no',
    matchCommonName: 'a',
  };
  const plan = await call('enforcer', 'PUT', `${path}?dryRun=true`, { payload: wish });
  assert.equal(plan.json().state, 'Planned');
  await call('enforcer', 'PUT', path);
  await call('enforcer', 'DELETE', path);
  const requester = 'token:enforcer';
  assert.deepEqual(parts.asked.enforced, [
    { namespace: 'shop', name: 'web.front', wish, how: { dryRun: true, requester } },
    { namespace: 'shop', name: 'web.front', wish: {}, how: { dryRun: false, requester } },
    { undo: 'web.front', how: { requester } },
  ]);
  assertProblem(await call('enforcer', 'PUT', `${path}?dryRun=yes`, { payload: {} }), 'request-invalid', {
    field: '/dryRun',
  });
  assertProblem(await call('enforcer', 'PUT', path, { payload: { mode: 'strict' } }), 'request-invalid', {
    field: '/mode',
  });
});

test('a token is shown once, works, and is gone when it is revoked', async (t) => {
  const { call } = await testApp(t);
  const made = await call('admin', 'POST', '/v1/tokens', {
    payload: { name: 'ci', grants: [{ role: 'issuer', profiles: ['client'] }], expiresIn: 'P1D' },
  });
  const { token, ...rest } = made.json();
  assert.equal(made.headers.location, `/v1/tokens/${rest.id}`);
  assert.deepEqual(rest, {
    id: rest.id,
    name: 'ci',
    grants: [{ role: 'issuer', profiles: ['client'] }],
    state: 'active',
    createdAt: '2026-11-23T12:00:00Z',
    createdBy: 'token:admin',
    expiresAt: '2026-11-24T12:00:00Z',
  });
  const headers = { authorization: `Bearer ${token}` };
  assert.equal((await call(undefined, 'GET', '/v1/profiles', { headers })).statusCode, 200);
  assert.deepEqual((await call('admin', 'GET', `/v1/tokens/${rest.id}`)).json(), rest);
  const list = await call('admin', 'GET', '/v1/tokens');
  assert.doesNotMatch(list.body, /secret|ica_/i);
  const gone = await call('admin', 'DELETE', `/v1/tokens/${rest.id}`);
  assert.equal(gone.statusCode, 204);
  assert.equal(gone.body, '');
  assertProblem(await call(undefined, 'GET', '/v1/profiles', { headers }), 'unauthenticated');
  assert.equal((await call('admin', 'GET', `/v1/tokens/${rest.id}`)).json().state, 'revoked');
  assertProblem(await call('admin', 'DELETE', '/v1/tokens/admin'), 'conflict');
  assertProblem(await call('admin', 'GET', '/v1/tokens/unknown'), 'token-not-found');
});
