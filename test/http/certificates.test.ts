import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Fault, type FaultCode, faultCatalogue } from '../../src/fault.ts';
import { chainPem, leafPem, ownSerial, serial } from './fake-parts.ts';
import { assertProblem, csr, testApp } from './support.ts';

const pemChain = 'application/pem-certificate-chain';

test('a JSON request is passed on whole, and answered with Location and the certificate', async (t) => {
  const { call, parts } = await testApp(t);
  const payload = {
    csr,
    profile: 'device',
    validity: 'P1DT12H',
    authority: 'internal-ca',
    metadata: { ticket: 'OPS-1' },
  };
  const answer = await call('admin', 'POST', '/v1/certificates', {
    payload,
    headers: { 'idempotency-key': 'once' },
  });
  assert.equal(answer.statusCode, 201);
  assert.equal(answer.headers.location, `/v1/certificates/${ownSerial}`);
  assert.match(String(answer.headers['content-type']), /^application\/json/);
  assert.deepEqual(parts.asked.issued, [
    {
      csr: Buffer.from(csr),
      profile: 'device',
      requester: 'token:admin',
      validitySeconds: 129_600,
      authority: 'internal-ca',
      metadata: { ticket: 'OPS-1' },
      idempotencyKey: 'once',
    },
  ]);
  assert.deepEqual(answer.json(), {
    serial: ownSerial,
    certificate: leafPem,
    chain: chainPem,
    authority: 'internal-ca',
    profile: 'client',
    subject: 'CN=alice',
    sans: ['dns:alice.example'],
    notBefore: '2026-11-23T11:59:00Z',
    notAfter: '2027-02-21T12:00:00Z',
    fingerprint: createHash('sha256').update('a certificate').digest('hex'),
    metadata: { ticket: 'OPS-1' },
    notHonoured: [],
  });
});

test('without a profile the default one is meant', async (t) => {
  const { call, parts } = await testApp(t);
  await call('issuer', 'POST', '/v1/certificates', { payload: { csr } });
  assert.deepEqual(parts.asked.issued, [
    { csr: Buffer.from(csr), profile: 'client', requester: 'token:issuer' },
  ]);
});

test('validity is an ISO 8601 duration or seconds, in JSON and in the query', async (t) => {
  const { call, parts } = await testApp(t);
  const seconds = async (validity: unknown): Promise<unknown> => {
    const answer = await call('admin', 'POST', '/v1/certificates', { payload: { csr, validity } });
    return answer.statusCode === 201 ? parts.asked.issued.at(-1)?.validitySeconds : answer.json().field;
  };
  assert.equal(await seconds('P90D'), 7_776_000);
  assert.equal(await seconds('P1Y'), 31_536_000);
  assert.equal(await seconds('PT12H'), 43_200);
  assert.equal(await seconds(3_600), 3_600);
  for (const bad of ['P', '90 days', '-P1D', 'PT0S', 'PT0.5S', 0, -1, 1.5, true, null, [3_600]])
    assert.equal(await seconds(bad), '/validity', JSON.stringify(bad));
  const headers = { 'content-type': 'application/pkcs10' };
  await call('admin', 'POST', '/v1/certificates?validity=3600&profile=device&authority=internal-ca', {
    payload: csr,
    headers,
  });
  assert.deepEqual(parts.asked.issued.at(-1), {
    csr: Buffer.from(csr),
    profile: 'device',
    authority: 'internal-ca',
    validitySeconds: 3_600,
    requester: 'token:admin',
  });
});

test('application/pkcs10 carries octets, PEM or DER, untouched', async (t) => {
  const { call, parts } = await testApp(t);
  const der = Buffer.from([0x30, 0x82, 0xff, 0x00, 0x80]);
  const headers = { 'content-type': 'application/pkcs10', accept: pemChain };
  const answer = await call('issuer', 'POST', '/v1/certificates', { payload: der, headers });
  assert.equal(answer.statusCode, 201);
  assert.deepEqual(parts.asked.issued[0]?.csr, der);
  assert.equal(answer.headers['content-type'], pemChain);
  assert.equal(answer.body, leafPem + chainPem);
});

test('a request without a body is 400', async (t) => {
  const { call, parts } = await testApp(t);
  assertProblem(await call('admin', 'POST', '/v1/certificates'), 'request-invalid');
  const headers = { 'content-type': 'application/json' };
  assertProblem(await call('admin', 'POST', '/v1/certificates', { headers }), 'request-invalid', {
    field: '/csr',
  });
  assert.equal(parts.asked.issued.length, 0);
});

test('the query is for application/pkcs10 only', async (t) => {
  const { call, parts } = await testApp(t);
  const answer = await call('admin', 'POST', '/v1/certificates?profile=device', { payload: { csr } });
  assertProblem(answer, 'request-invalid');
  assert.equal(parts.asked.issued.length, 0);
});

test('an Idempotency-Key is 1 to 255 visible ASCII characters', async (t) => {
  const { call } = await testApp(t);
  const status = async (key: string): Promise<number> =>
    (
      await call('admin', 'POST', '/v1/certificates', {
        payload: { csr },
        headers: { 'idempotency-key': key },
      })
    ).statusCode;
  assert.equal(await status('!'), 201);
  assert.equal(await status('x'.repeat(255)), 201);
  assert.equal(await status('x'.repeat(256)), 400);
  assert.equal(await status('two words'), 400);
  assert.equal(await status(''), 400);
});

test('a form that cannot be had is refused before anything is issued', async (t) => {
  const { call, parts } = await testApp(t);
  const answer = await call('admin', 'POST', '/v1/certificates', {
    payload: { csr },
    headers: { accept: 'text/html' },
  });
  assertProblem(answer, 'not-acceptable', { detail: `On offer: application/json, ${pemChain}.` });
  assert.equal(parts.asked.issued.length, 0);
});

test('one certificate as JSON, PEM chain, PEM or DER', async (t) => {
  const { call } = await testApp(t);
  const get = (accept: string) =>
    call('reader', 'GET', `/v1/certificates/${serial}`, { headers: { accept } });
  const json = (await get('*/*')).json();
  assert.equal(json.state, 'valid');
  assert.match(json.certificate, /^-----BEGIN CERTIFICATE-----\n/);
  assert.equal((await get(pemChain)).body, json.certificate + json.chain);
  assert.equal((await get('application/x-pem-file')).body, json.certificate);
  const der = await get('application/pkix-cert');
  assert.equal(der.headers['content-type'], 'application/pkix-cert');
  assert.equal(der.headers.vary, 'Accept');
  assert.deepEqual(der.rawPayload, Buffer.from('a certificate'));
  assertProblem(await get('image/png'), 'not-acceptable');
});

test('a serial is understood as other tools write it', async (t) => {
  const { call } = await testApp(t);
  const colons = serial.toUpperCase().match(/../g)?.join(':') ?? '';
  for (const form of [serial, serial.toUpperCase(), colons, `00${serial}`])
    assert.equal((await call('reader', 'GET', `/v1/certificates/${form}`)).statusCode, 200, form);
  assertProblem(await call('reader', 'GET', '/v1/certificates/abcd'), 'certificate-not-found');
  for (const form of ['abc', 'xyz', '::'])
    assertProblem(await call('reader', 'GET', `/v1/certificates/${form}`), 'request-invalid', {
      field: '/serial',
    });
});

test('a search passes every filter on and links to the next page', async (t) => {
  const { call, parts } = await testApp(t);
  const query =
    'subject=CN%3Dalice&san=dns:a.example&profile=client&authority=internal-ca&requester=token:x&state=revoked' +
    '&expiresBefore=2027-01-01T00:00:00Z&expiresAfter=2026-12-01T01:00:00%2B01:00&limit=7&cursor=c' +
    `&reason=certificateHold&issuedAfter=2026-11-01T00:00:00Z&issuedBefore=2026-11-02T00:00:00Z&publicKey=${'aB'.repeat(32)}`;
  const answer = await call('reader', 'GET', `/v1/certificates?${query}`);
  assert.deepEqual(parts.asked.searched, [
    {
      filter: {
        subject: 'CN=alice',
        san: 'dns:a.example',
        profile: 'client',
        authority: 'internal-ca',
        requester: 'token:x',
        state: 'revoked',
        reason: 'certificateHold',
        issuedAfter: new Date('2026-11-01T00:00:00Z'),
        issuedBefore: new Date('2026-11-02T00:00:00Z'),
        spkiSha256: Buffer.alloc(32, 0xab),
        expiresBefore: new Date('2027-01-01T00:00:00Z'),
        expiresAfter: new Date('2026-12-01T00:00:00Z'),
      },
      page: { limit: 7, cursor: 'c' },
    },
  ]);
  const link = /^<(\/v1\/certificates\?[^>]+)>; rel="next"$/.exec(String(answer.headers.link))?.[1] ?? '';
  assert.equal(answer.json().nextCursor, 'next+page');
  await call('reader', 'GET', link);
  assert.deepEqual(parts.asked.searched[1]?.filter, parts.asked.searched[0]?.filter);
  assert.deepEqual(parts.asked.searched[1]?.page, { limit: 7, cursor: 'next+page' });
});

test('a query member is refused when it is unknown, twice there, or not of its type', async (t) => {
  const { call } = await testApp(t);
  const bad = {
    'limit=0': '/limit',
    'limit=501': '/limit',
    'limit=1.5': '/limit',
    'limit=': '/limit',
    'limit=1&limit=2': '/limit',
    'state=gone': '/state',
    'reason=removeFromCRL': '/reason',
    'issuedAfter=yesterday': '/issuedAfter',
    'publicKey=abcd': '/publicKey',
    'expiresBefore=tomorrow': '/expiresBefore',
    'expiresBefore=2026-12-31T23:59:60Z': '/expiresBefore',
    'subject=%00': '/subject',
    'name=x': '/name',
  };
  for (const [query, field] of Object.entries(bad))
    assertProblem(await call('reader', 'GET', `/v1/certificates?${query}`), 'request-invalid', { field });
});

test('a revocation takes a reason, or none, or no body at all', async (t) => {
  const { call, parts } = await testApp(t);
  const url = `/v1/certificates/${serial.toUpperCase()}/revoke`;
  const answer = await call('revoker', 'POST', url, { payload: { reason: 'keyCompromise' } });
  assert.deepEqual(answer.json(), { serial, reason: 'keyCompromise', revokedAt: '2026-11-23T12:00:00Z' });
  assert.equal((await call('revoker', 'POST', url, { payload: {} })).statusCode, 200);
  assert.equal((await call('revoker', 'POST', url)).statusCode, 200);
  const emptyJson = { headers: { 'content-type': 'application/json' }, payload: '' };
  assert.equal((await call('revoker', 'POST', url, emptyJson)).statusCode, 200);
  assert.deepEqual(
    parts.asked.revoked.map(({ reason }) => reason),
    ['keyCompromise', undefined, undefined, undefined],
  );
  const noObject = { headers: emptyJson.headers, payload: 'null' };
  assertProblem(await call('revoker', 'POST', url, noObject), 'request-invalid');
  for (const reason of ['removeFromCRL', 'KeyCompromise', 1])
    assertProblem(await call('revoker', 'POST', url, { payload: { reason } }), 'request-invalid', {
      field: '/reason',
    });
  assertProblem(await call('revoker', 'POST', '/v1/certificates/00ff/revoke'), 'certificate-not-found');
});

test('every fault of issuance leaves with its own status, type, field and reasons', async (t) => {
  const { call, parts } = await testApp(t);
  for (const code of Object.keys(faultCatalogue).filter(isFaultCode)) {
    parts.issueWith = async () => {
      throw new Fault(code, 'What is wrong.', {
        field: 'csr.subject.O',
        reasons: [{ code: 'a-reason', detail: 'Why.' }],
      });
    };
    const answer = await call('admin', 'POST', '/v1/certificates', { payload: { csr } });
    assertProblem(answer, code, {
      detail: 'What is wrong.',
      field: 'csr.subject.O',
      reasons: [{ code: 'a-reason', detail: 'Why.' }],
    });
    assert.equal(answer.headers['retry-after'], faultCatalogue[code].status === 503 ? '5' : undefined);
    assert.equal(parts.asked.refusals.includes(`certificate:${code}`), true);
  }
});

test('an error that nobody foresaw is a 500 that says nothing of it', async (t) => {
  const { call, parts } = await testApp(t);
  parts.issueWith = async () => {
    throw new TypeError('connection to 10.0.0.7 refused');
  };
  const answer = await call('admin', 'POST', '/v1/certificates', { payload: { csr } });
  assertProblem(answer, 'internal');
  assert.doesNotMatch(answer.body, /10\.0\.0\.7|TypeError/);
});

function isFaultCode(text: string): text is FaultCode {
  return Object.hasOwn(faultCatalogue, text);
}
