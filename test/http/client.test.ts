import assert from 'node:assert/strict';
import { test } from 'node:test';
import createClient from 'openapi-fetch';
import type { paths } from '../support/generated/openapi.ts';
import { leafPem, ownSerial } from './fake-parts.ts';
import { csr, testApp } from './support.ts';

test('a client generated from the document issues, reads and revokes', async (t) => {
  const { app, parts } = await testApp(t);
  const baseUrl = await app.listen({ host: '127.0.0.1', port: 0 });
  // Some answers have several forms; this client reads the JSON one.
  const client = createClient<paths, 'application/json' | 'application/problem+json'>({
    baseUrl,
    headers: { authorization: `Bearer ${parts.token([{ role: 'admin' }])}` },
  });

  const issued = await client.POST('/v1/certificates', {
    params: { header: { 'idempotency-key': 'once' } },
    body: { csr, profile: 'client', validity: 'P30D', metadata: { ticket: 'OPS-1' } },
  });
  assert.equal(issued.response.status, 201);
  const certificate: string | undefined = issued.data?.certificate;
  assert.equal(certificate, leafPem);
  assert.equal(parts.asked.issued[0]?.validitySeconds, 2_592_000);

  const read = await client.GET('/v1/certificates/{serial}', { params: { path: { serial: ownSerial } } });
  assert.equal(read.data?.state, 'valid');

  const list = await client.GET('/v1/certificates', { params: { query: { state: 'valid', limit: 5 } } });
  assert.equal(list.data?.items[0]?.subject, 'CN=alice');
  assert.deepEqual(parts.asked.searched[0]?.page, { limit: 5 });

  const revoked = await client.POST('/v1/certificates/{serial}/revoke', {
    params: { path: { serial: ownSerial } },
    body: { reason: 'superseded' },
  });
  assert.equal(revoked.data, undefined);
  assert.equal(revoked.error?.type, 'urn:internal-ca:problem:certificate-not-found');

  const enforced = await client.PUT('/v1/namespaces/{namespace}/ingresses/{name}/client-verification', {
    params: { path: { namespace: 'shop', name: 'web' }, query: { dryRun: true } },
  });
  assert.equal(enforced.data?.state, 'Planned');
  assert.equal(enforced.data?.revocationEnforced, true);

  const files = createClient<paths>({ baseUrl });
  const pem = await files.GET('/crl/{name}.pem', {
    params: { path: { name: 'internal-ca' } },
    parseAs: 'text',
  });
  assert.equal(pem.data, '-----BEGIN X509 CRL-----\n');
});
