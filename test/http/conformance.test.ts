import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Compile } from 'typebox/compile';
import { ownSerial, serial } from './fake-parts.ts';
import { csr, type TestApp, testApp } from './support.ts';

const ingress = '/v1/namespaces/shop/ingresses/web/client-verification';

/** Calls whose answers are compared with the schema that the document has for them. */
const calls = [
  ['POST', '/v1/certificates', 'IssuedCertificate', { csr }],
  ['GET', '/v1/certificates', 'CertificateList'],
  ['GET', `/v1/certificates/${ownSerial}`, 'Certificate'],
  ['POST', `/v1/certificates/${serial}/revoke`, 'Revocation', {}],
  ['POST', '/v1/authorities/internal-ca/imports/crl', 'ImportReport', 'text'],
  ['GET', '/v1/profiles', 'ProfileList'],
  ['GET', '/v1/authorities', 'AuthorityList'],
  ['GET', '/v1/authorities/internal-ca', 'Authority'],
  ['PUT', ingress, 'ClientVerification', {}],
  ['GET', ingress, 'ClientVerification'],
  ['DELETE', ingress, 'ClientVerification'],
  ['POST', `${ingress}/probe`, 'ProbeReport'],
  ['GET', '/v1/client-verifications', 'ClientVerificationList'],
  ['GET', '/v1/publications', 'PublicationList'],
  ['POST', '/v1/tokens', 'CreatedToken', { name: 'n', grants: [{ role: 'reader' }], expiresIn: 'P1D' }],
  ['GET', '/v1/tokens', 'TokenList'],
  ['GET', '/v1/tokens/admin', 'Token'],
  ['GET', '/readyz', 'Readiness'],
  ['GET', '/v1/nothing', 'Problem'],
] as const;

test('every answer is what its schema says, and nothing more', async (t) => {
  const { call } = await testApp(t);
  const schemas = await schemasOf(call);
  for (const [method, url, name, payload] of calls) {
    const text = typeof payload === 'string' ? { headers: { 'content-type': 'text/plain' } } : {};
    const answer = await call('admin', method, url, payload === undefined ? {} : { payload, ...text });
    const check = Compile(inline(schemas[name], schemas));
    const body: unknown = answer.json();
    assert.deepEqual([...check.Errors(body)], [], `${method} ${url}: ${answer.body}`);
  }
});

test('the comparison sees a member that the schema does not have', async (t) => {
  const { call } = await testApp(t);
  const schemas = await schemasOf(call);
  const check = Compile(inline(schemas.Revocation, schemas));
  const good = { serial, reason: 'superseded', revokedAt: '2026-11-23T12:00:00Z' };
  assert.equal(check.Check(good), true);
  assert.equal(check.Check({ ...good, secret: 'x' }), false);
});

type Schemas = Readonly<Record<string, unknown>>;

async function schemasOf(call: TestApp['call']): Promise<Schemas> {
  const document: { components: { schemas: Schemas } } = (
    await call(undefined, 'GET', '/openapi.json')
  ).json();
  return document.components.schemas;
}

/** The schema with its references put in place and every object closed. */
function inline(schema: unknown, schemas: Schemas): Record<string, unknown> {
  const put = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(put);
    if (typeof value !== 'object' || value === null) return value;
    if ('$ref' in value) return put(schemas[String(value.$ref).replace('#/components/schemas/', '')]);
    const members = Object.fromEntries(Object.entries(value).map(([name, member]) => [name, put(member)]));
    const isOpen = members.type === 'object' && members.additionalProperties === undefined;
    return isOpen ? { ...members, additionalProperties: false } : members;
  };
  const whole = put(schema);
  assert.ok(typeof whole === 'object' && whole !== null);
  return { ...whole };
}
