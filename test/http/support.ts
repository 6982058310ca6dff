import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { FastifyInstance, InjectOptions } from 'fastify';
import type { Role } from '../../src/access/caller.ts';
import { type FaultCode, faultCatalogue } from '../../src/fault.ts';
import { buildHttpApp } from '../../src/http/app.ts';
import { type FakeOptions, type FakeParts, fakeParts, grantsOf } from './fake-parts.ts';

/** The answer of `inject`, as far as the tests look at it. */
export type Answer = Awaited<ReturnType<FastifyInstance['inject']>>;

export interface TestApp {
  readonly app: FastifyInstance;
  readonly parts: FakeParts;
  /** Calls as `role`; without one: without a token. */
  call(
    role: Role | undefined,
    method: string,
    url: string,
    more?: Omit<InjectOptions, 'method' | 'url'>,
  ): Promise<Answer>;
}

export async function testApp(t: TestContext, change: FakeOptions = {}): Promise<TestApp> {
  const parts = fakeParts(change);
  const app = await buildHttpApp(parts);
  t.after(() => app.close());
  const tokens = new Map<Role, string>();
  return {
    app,
    parts,
    call(role, method, url, more = {}) {
      const headers: NonNullable<InjectOptions['headers']> = { ...more.headers };
      if (role !== undefined) {
        const token = tokens.get(role) ?? parts.token(grantsOf[role], { id: role });
        tokens.set(role, token);
        headers.authorization = `Bearer ${token}`;
      }
      return app.inject({ ...more, method: methodOf(method), url, headers });
    },
  };
}

function methodOf(text: string): NonNullable<InjectOptions['method']> {
  const known = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
  const method = known.find((one) => one === text);
  if (method === undefined) throw new Error(`inject does not know ${text}`);
  return method;
}

/** Checks the whole shape of a problem document (RFC 9457) and that it is the one meant. */
export function assertProblem(answer: Answer, code: FaultCode, members: Record<string, unknown> = {}): void {
  const body: Record<string, unknown> = answer.json();
  assert.equal(body.type, `urn:internal-ca:problem:${code}`, answer.body);
  assert.equal(answer.statusCode, faultCatalogue[code].status);
  assert.equal(body.status, faultCatalogue[code].status);
  assert.equal(body.title, faultCatalogue[code].title);
  assert.match(String(answer.headers['content-type']), /^application\/problem\+json/);
  assert.equal(answer.headers['cache-control'], 'no-store');
  assert.equal(body.instance, `urn:internal-ca:request:${String(answer.headers['x-request-id'])}`);
  assert.ok(typeof body.detail === 'string' && body.detail.length > 0);
  for (const [name, value] of Object.entries(members)) assert.deepEqual(body[name], value, name);
}

export const csr =
  '-----BEGIN CERTIFICATE REQUEST-----\nc2VjcmV0IENTUg==\n-----END CERTIFICATE REQUEST-----\n';
