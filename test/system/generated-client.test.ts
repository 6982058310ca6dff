import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import createClient from 'openapi-fetch';
import { decodePem } from '../../src/encoding/pem.ts';
import { readCrl } from '../../src/x509/crl.ts';
import { makeCsr } from '../support/csr.ts';
import { eventually } from '../support/eventually.ts';
import type { paths } from '../support/generated/openapi.ts';
import { startTestService } from '../support/service.ts';

test('a client generated from the OpenAPI document issues and revokes at the real service', async (t) => {
  const service = await startTestService(t);
  const client = createClient<paths, 'application/json' | 'application/problem+json'>({
    baseUrl: service.url,
    headers: { authorization: `Bearer ${service.adminToken}` },
  });
  const { pem: csr } = await makeCsr({ subject: 'O=Example,CN=generated' });
  const issued = await client.POST('/v1/certificates', {
    body: { csr, profile: 'client', validity: 'P30D' },
  });
  assert.equal(issued.response.status, 201);
  assert.ok(issued.data);
  const { serial, certificate, chain } = issued.data;
  assert.equal(new X509Certificate(certificate).checkIssued(new X509Certificate(chain)), true);

  const revoked = await client.POST('/v1/certificates/{serial}/revoke', {
    params: { path: { serial } },
    body: { reason: 'superseded' },
  });
  assert.equal(revoked.data?.reason, 'superseded');
  await eventually(async () => {
    const files = createClient<paths>({ baseUrl: service.url });
    const crl = await files.GET('/crl/{name}.pem', {
      params: { path: { name: 'internal-ca' } },
      parseAs: 'text',
    });
    const [block] = decodePem(crl.data ?? '', 'X509 CRL');
    assert.ok(block);
    assert.deepEqual(
      [...readCrl(block.der).entries()].map((entry) => entry.serial),
      [serial],
    );
  });

  const refused = await client.POST('/v1/certificates', { body: { csr: 'nonsense' } });
  assert.equal(refused.error?.type, 'urn:internal-ca:problem:csr-malformed');
});
