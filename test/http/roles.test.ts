import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Role, roles } from '../../src/access/caller.ts';
import { ownSerial, serial } from './fake-parts.ts';
import { assertProblem, csr, type TestApp, testApp } from './support.ts';

interface Row {
  readonly method: string;
  readonly url: string;
  readonly payload?: object | string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status: number;
  /** Who may; `anybody`: no token is needed. */
  readonly allowed: readonly Role[] | 'anybody';
}

const shop = '/v1/namespaces/shop/ingresses/web/client-verification';
const everyone: readonly Role[] = roles;
const readers: readonly Role[] = ['admin', 'enforcer', 'reader'];

/** Every route of the contract, and who may call it. */
const table: readonly Row[] = [
  { method: 'POST', url: '/v1/certificates', payload: { csr }, status: 201, allowed: ['admin', 'issuer'] },
  { method: 'GET', url: '/v1/certificates', status: 200, allowed: ['admin', 'issuer', 'revoker', 'reader'] },
  {
    method: 'GET',
    url: `/v1/certificates/${ownSerial}`,
    status: 200,
    allowed: ['admin', 'issuer', 'revoker', 'reader'],
  },
  { method: 'POST', url: `/v1/certificates/${serial}/revoke`, status: 200, allowed: ['admin', 'revoker'] },
  { method: 'POST', url: `/v1/certificates/${serial}/release`, status: 200, allowed: ['admin', 'revoker'] },
  {
    method: 'POST',
    url: `/v1/certificates/${serial}/revoke-by-key`,
    payload: { signature: 'AAAA' },
    status: 200,
    allowed: 'anybody',
  },
  {
    method: 'POST',
    url: '/v1/revocations',
    payload: { filter: { profile: 'client' }, reason: 'superseded' },
    status: 200,
    allowed: ['admin', 'revoker'],
  },
  ...['certificates', 'openssl-index', 'crl'].map((kind) => ({
    method: 'POST',
    url: `/v1/authorities/internal-ca/imports/${kind}`,
    payload: 'text',
    headers: { 'content-type': 'text/plain' },
    status: 200,
    allowed: ['admin'] as const,
  })),
  { method: 'GET', url: '/v1/profiles', status: 200, allowed: everyone },
  { method: 'GET', url: '/v1/authorities', status: 200, allowed: everyone },
  { method: 'GET', url: '/v1/authorities/internal-ca', status: 200, allowed: everyone },
  { method: 'PUT', url: shop, payload: {}, status: 200, allowed: ['admin', 'enforcer'] },
  { method: 'GET', url: shop, status: 200, allowed: readers },
  { method: 'DELETE', url: shop, status: 200, allowed: ['admin', 'enforcer'] },
  { method: 'POST', url: `${shop}/probe`, status: 200, allowed: ['admin', 'enforcer'] },
  { method: 'GET', url: '/v1/client-verifications', status: 200, allowed: readers },
  { method: 'GET', url: '/v1/publications', status: 200, allowed: readers },
  {
    method: 'POST',
    url: '/v1/tokens',
    payload: { name: 'n', grants: [{ role: 'reader' }] },
    status: 201,
    allowed: ['admin'],
  },
  { method: 'GET', url: '/v1/tokens', status: 200, allowed: ['admin'] },
  { method: 'GET', url: '/v1/tokens/spare', status: 200, allowed: ['admin'] },
  { method: 'DELETE', url: '/v1/tokens/spare', status: 204, allowed: ['admin'] },
  { method: 'GET', url: '/metrics', status: 200, allowed: ['admin', 'reader'] },
  { method: 'GET', url: '/ca/internal-ca.pem', status: 200, allowed: 'anybody' },
  { method: 'GET', url: '/ca/internal-ca.crt', status: 200, allowed: 'anybody' },
  { method: 'GET', url: '/crl/internal-ca.crl', status: 200, allowed: 'anybody' },
  { method: 'GET', url: '/crl/internal-ca.pem', status: 200, allowed: 'anybody' },
  { method: 'GET', url: '/crl/internal-ca/delta.crl', status: 200, allowed: 'anybody' },
  { method: 'GET', url: '/crl/internal-ca/shards/16/3.crl', status: 200, allowed: 'anybody' },
  { method: 'GET', url: '/v1/verify', status: 200, allowed: 'anybody' },
  {
    method: 'POST',
    url: '/ocsp/internal-ca',
    payload: 'x',
    headers: { 'content-type': 'application/ocsp-request' },
    status: 501,
    allowed: 'anybody',
  },
  { method: 'GET', url: '/ocsp/internal-ca/MA', status: 501, allowed: 'anybody' },
  { method: 'GET', url: '/livez', status: 200, allowed: 'anybody' },
  { method: 'GET', url: '/readyz', status: 200, allowed: 'anybody' },
  { method: 'GET', url: '/openapi.json', status: 200, allowed: 'anybody' },
  { method: 'GET', url: '/docs', status: 200, allowed: 'anybody' },
];

async function setUp(t: Parameters<typeof testApp>[0]): Promise<TestApp> {
  const made = await testApp(t);
  made.parts.token([{ role: 'reader' }], { id: 'spare' });
  return made;
}

test('every route against every role', async (t) => {
  const { call } = await setUp(t);
  for (const { method, url, payload, headers, status, allowed } of table) {
    for (const role of roles) {
      const answer = await call(
        role,
        method,
        url,
        payload === undefined ? {} : { payload, ...(headers && { headers }) },
      );
      const may = allowed === 'anybody' || allowed.includes(role);
      assert.equal(answer.statusCode, may ? status : 403, `${role} ${method} ${url}: ${answer.body}`);
      if (!may) assertProblem(answer, 'forbidden');
    }
  }
});

test('every route without a token, and with a token that is not valid', async (t) => {
  const { app, parts, call } = await setUp(t);
  const expired = parts.token([{ role: 'admin' }], { expiresAt: new Date(parts.clock.now()) });
  const revoked = parts.token([{ role: 'admin' }], { revokedAt: new Date(parts.clock.now()) });
  for (const { method, url, payload, headers: kind, status, allowed } of table) {
    const more = payload === undefined ? {} : { payload, ...(kind && { headers: kind }) };
    const bare = await call(undefined, method, url, more);
    assert.equal(bare.statusCode, allowed === 'anybody' ? status : 401, `${method} ${url}`);
    if (allowed === 'anybody') continue;
    const expected: object = bare.json();
    for (const authorization of [
      `Bearer ${expired}`,
      `Bearer ${revoked}`,
      'Bearer nonsense',
      'Basic YTpi',
      'Bearer',
    ]) {
      const answer = await call(undefined, method, url, { ...more, headers: { ...kind, authorization } });
      assertProblem(answer, 'unauthenticated');
      assert.equal(answer.headers['www-authenticate'], 'Bearer');
      // Nothing tells which of them was wrong in which way.
      const told: object = answer.json();
      assert.deepEqual({ ...told, instance: '' }, { ...expected, instance: '' });
    }
  }
  assert.ok(app.hasRoute({ method: 'GET', url: '/livez' }));
});

test('the table above has every route that the service has', async (t) => {
  const { app } = await setUp(t);
  const documented = Object.entries(app.swagger().paths ?? {}).flatMap(([path, operations]) =>
    Object.keys(operations ?? {}).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const tested = table.map(({ method, url }) => `${method} ${patternOf(url)}`);
  assert.deepEqual(new Set([...documented, 'GET /openapi.json', 'GET /docs']), new Set(tested));
});

test('HEAD needs what GET needs', async (t) => {
  const { call } = await setUp(t);
  assert.equal((await call(undefined, 'HEAD', '/v1/certificates')).statusCode, 401);
  assert.equal((await call('enforcer', 'HEAD', '/v1/certificates')).statusCode, 403);
  assert.equal((await call('reader', 'HEAD', '/v1/certificates')).statusCode, 200);
});

test('a 403 names the permission, and both refusals are counted', async (t) => {
  const { call, parts } = await setUp(t);
  const answer = await call('reader', 'GET', '/v1/tokens');
  assertProblem(answer, 'forbidden', {
    permission: 'tokens:manage',
    detail: 'This needs the permission tokens:manage.',
  });
  await call(undefined, 'GET', '/v1/tokens');
  assert.deepEqual(parts.asked.refusals, ['forbidden', 'unauthenticated']);
});

test('an issuer is held to its profiles and reads only what it issued', async (t) => {
  const { call, parts } = await setUp(t);
  const other = await call('issuer', 'POST', '/v1/certificates', { payload: { csr, profile: 'server' } });
  assertProblem(other, 'forbidden', {
    permission: 'certificates:issue',
    detail: 'This needs the permission certificates:issue for the profile server.',
  });
  assert.equal(parts.asked.issued.length, 0);
  assertProblem(await call('issuer', 'GET', `/v1/certificates/${serial}`), 'certificate-not-found');
  await call('issuer', 'GET', '/v1/certificates?state=valid');
  assert.deepEqual(parts.asked.searched.at(-1)?.filter, { state: 'valid', requester: 'token:issuer' });
  const foreign = await call('issuer', 'GET', '/v1/certificates?requester=token:somebody');
  assert.deepEqual(foreign.json(), { items: [] });
  assert.equal(parts.asked.searched.length, 1);
});

test('an enforcer is held to its namespaces', async (t) => {
  const { call, parts } = await setUp(t);
  const bank = '/v1/namespaces/bank/ingresses/web/client-verification';
  for (const method of ['PUT', 'GET', 'DELETE']) {
    const answer = await call('enforcer', method, bank, method === 'PUT' ? { payload: {} } : {});
    assertProblem(answer, 'forbidden');
    assert.match(answer.body, /in the namespace bank/);
  }
  assert.deepEqual(parts.asked.enforced, []);
  const list = await call('enforcer', 'GET', '/v1/client-verifications');
  assert.deepEqual(
    list.json().items.map((item: { namespace: string }) => item.namespace),
    ['shop'],
  );
  assert.equal((await call('reader', 'GET', '/v1/client-verifications')).json().items.length, 2);
});

test('an enforcer sees the copies of its namespaces, those of the service, and those in no namespace', async (t) => {
  const { call, parts } = await setUp(t);
  const targetsFor = async (authorization: string): Promise<string[]> => {
    const answer = await call(undefined, 'GET', '/v1/publications', { headers: { authorization } });
    assert.equal(answer.statusCode, 200);
    return answer.json().items.map(({ target }: { target: string }) => target);
  };
  const inNone = ['clustertrustbundle:internal-ca', 'url:http://ca.example/crl/internal-ca.crl'];
  const everybody = ['secret:pki/internal-ca', ...inNone];
  const enforcer = (...namespaces: string[]) => `Bearer ${parts.token([{ role: 'enforcer', namespaces }])}`;
  assert.deepEqual(await targetsFor(enforcer('shop')), ['secret:shop/internal-ca', ...everybody]);
  assert.deepEqual(await targetsFor(enforcer('sho')), everybody);
  assert.deepEqual(await targetsFor(enforcer('bank')), [
    'secret:pki/internal-ca',
    'configmap:bank/internal-ca',
    ...inNone,
  ]);
  assert.equal((await targetsFor(enforcer('*'))).length, 6);
  assert.equal((await targetsFor(`Bearer ${parts.token([{ role: 'reader' }])}`)).length, 6);
});

test('ADMIN_TOKEN may do everything and is the requester', async (t) => {
  const adminToken = 'configured-configured-configured!';
  const { call, parts } = await testApp(t, { adminToken });
  const headers = { authorization: `bearer ${adminToken}` };
  const answer = await call(undefined, 'POST', '/v1/certificates', { headers, payload: { csr } });
  assert.equal(answer.statusCode, 201);
  assert.equal(parts.asked.issued[0]?.requester, 'admin-token');
});

function patternOf(url: string): string {
  return url
    .replace(/^\/v1\/certificates\/[0-9a-f]{32}/, '/v1/certificates/{serial}')
    .replace('/v1/authorities/internal-ca', '/v1/authorities/{name}')
    .replace('/v1/namespaces/shop/ingresses/web', '/v1/namespaces/{namespace}/ingresses/{name}')
    .replace('/v1/tokens/spare', '/v1/tokens/{id}')
    .replace(/^\/(ca|crl|ocsp)\/internal-ca/, '/$1/{name}')
    .replace('/shards/16/3.crl', '/shards/{count}/{index}.crl')
    .replace('{name}/MA', '{name}/{request}');
}
