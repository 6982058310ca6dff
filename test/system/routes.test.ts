import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type TestContext, test } from 'node:test';
import { type Role, roles } from '../../src/access/caller.ts';
import { type Permission, permissionTable } from '../../src/access/permissions.ts';
import { createTestDatabase } from '../support/database.ts';
import { startTestService, type TestService } from '../support/service.ts';

interface Route {
  readonly method: string;
  readonly url: string;
  readonly permission: Permission | undefined;
}

/** What may be had without a token. Everything else is refused to strangers. */
const open =
  /^(GET|HEAD) (\/(livez|readyz|openapi\.json)|\/ca\/:name\.[a-z]+|\/crl\/:name[:a-z/]*\.[a-z]+|\/ocsp\/:name\/\*|\/docs(\/.*)?)$/;

/** No token, but a proof of their own, or an answer that is signed. */
const ownProof: readonly string[] = [
  'POST /ocsp/:name',
  'POST /v1/certificates/:serial/revoke-by-key',
  'GET /v1/verify',
  'HEAD /v1/verify',
];

/** The composed service with every route that it registers, those that no document shows included. */
async function startAndListen(t: TestContext): Promise<{ service: TestService; routes: readonly Route[] }> {
  const routes: Route[] = [];
  const listen = (message: unknown): void => {
    const app = member(message, 'fastify');
    const addHook = member(app, 'addHook');
    assert.ok(typeof addHook === 'function');
    addHook.call(app, 'onRoute', (route: unknown) => {
      const methods = [member(route, 'method')].flat();
      // The hook of the authentication comes after this one, and marks the pages of /docs.
      queueMicrotask(() => {
        for (const method of methods) routes.push(routeOf(String(method), route));
      });
    });
  };
  subscribe('fastify.initialization', listen);
  try {
    const { url } = await createTestDatabase(t);
    const service = await startTestService(t, { databaseUrl: url, inProcess: true });
    return { service, routes };
  } finally {
    unsubscribe('fastify.initialization', listen);
  }
}

function routeOf(method: string, route: unknown): Route {
  const permission = member(member(route, 'config'), 'permission');
  return {
    method,
    url: String(member(route, 'url')),
    permission: isPermission(permission) ? permission : undefined,
  };
}

function isPermission(value: unknown): value is Permission {
  return typeof value === 'string' && Object.hasOwn(permissionTable, value);
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

/** Something that fits each parameter, and names nothing that exists. */
function pathOf({ url }: Route): string {
  return url
    .replace(':serial', '11'.repeat(16))
    .replace(/:[a-z]+/gi, 'nobody')
    .replace('*', 'nothing');
}

async function tokenOf(service: TestService, role: Role): Promise<string> {
  const limits = { issuer: { profiles: ['*'] }, enforcer: { namespaces: ['*'] } };
  const grant = { role, ...(role === 'issuer' || role === 'enforcer' ? limits[role] : {}) };
  const answer = await service.call('POST', '/v1/tokens', { body: { name: role, grants: [grant] } });
  assert.equal(answer.status, 201, answer.body.toString());
  return answer.text('token');
}

test('every route of the composed service, against nobody and every role', async (t) => {
  const { service, routes } = await startAndListen(t);
  assert.ok(routes.length > 30, `${routes.length} routes`);
  const tokens = new Map<Role, string>();
  for (const role of roles) tokens.set(role, await tokenOf(service, role));

  for (const route of routes) {
    const name = `${route.method} ${route.url}`;
    const path = pathOf(route);
    const withoutToken = open.test(name) || ownProof.includes(name);
    assert.equal(withoutToken, route.permission === undefined, `${name} is open to anybody`);
    if (ownProof.includes(name)) {
      // By their own tests; here only that nothing is given to whoever proves nothing.
      const { status } = await service.call(route.method, path, { token: null });
      assert.ok(status >= 400 && status < 500, `${name}: ${status}`);
      continue;
    }
    const bare = await service.call(route.method, path, { token: null });
    assert.equal(
      bare.status === 401,
      route.permission !== undefined,
      `${name} without a token: ${bare.status}`,
    );
    assert.notEqual(bare.status, 403, name);
    assert.ok(bare.status < 500, `${name}: ${bare.status}`);
    for (const [role, token] of tokens) {
      const { status } = await service.call(route.method, path, { token });
      const may: readonly Role[] = route.permission === undefined ? roles : permissionTable[route.permission];
      assert.equal(status === 403, !may.includes(role), `${role} ${name}: ${status}`);
      assert.ok(status !== 401 && status !== 500, `${role} ${name}: ${status}`);
    }
  }
});
