import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodePem } from '../../src/encoding/pem.ts';
import { readCrl } from '../../src/x509/crl.ts';
import { makeCsr } from '../support/csr.ts';
import { eventually } from '../support/eventually.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { skipUnless } from '../support/skip.ts';
import { openssl } from '../x509/openssl.ts';

/** A relying party with OpenSSL that fetches what certificates name, from the real service. */

const publicUrl = 'http://ca.example';

interface Issued {
  readonly serial: string;
  readonly pem: string;
  /** Paths of the two CRLs and of the delta, in the order of the certificate. */
  readonly crls: readonly string[];
}

async function issue(service: TestService): Promise<Issued> {
  const { pem: csr } = await makeCsr();
  const answer = await service.call('POST', '/v1/certificates', { body: { csr } });
  assert.equal(answer.status, 201, answer.body.toString());
  const pem = answer.text('certificate');
  const text = openssl(['x509', '-in', 'leaf', '-noout', '-text'], { leaf: pem });
  const crls = [...text.matchAll(/URI:http:\/\/ca\.example(\/crl\/\S+)/g)].map(([, path = '']) => path);
  return { serial: answer.text('serial'), pem, crls };
}

test('a relying party fetches the part that a certificate names, and refuses the revoked one', async (t) => {
  if (skipUnless(t, 'openssl')) return;
  const service = await startTestService(t, {
    env: { PUBLIC_URL: publicUrl, CRL_SHARDS: '4', CRL_DELTA: 'on', CRL_COALESCE: '0' },
  });
  const fetchDer = async (path = '') => {
    const answer = await service.call('GET', path, { token: null });
    assert.equal(answer.status, 200, `${path} ${answer.status}`);
    assert.equal(answer.headers.get('content-type'), 'application/pkix-crl');
    return answer.body;
  };
  const first = await fetchDer('/crl/internal-ca.crl');
  const revoked = await issue(service);
  const good = await issue(service);
  for (const { crls } of [revoked, good]) {
    assert.match(crls[0] ?? '', /^\/crl\/internal-ca\/shards\/4\/[0-3]\.crl$/);
    assert.deepEqual(crls.slice(1), ['/crl/internal-ca.crl', '/crl/internal-ca/delta.crl']);
  }
  const outcome = await service.call('POST', `/v1/certificates/${revoked.serial}/revoke`, {
    body: { reason: 'superseded' },
  });
  assert.equal(outcome.status, 200, outcome.body.toString());
  const part = await eventually(async () => {
    const der = await fetchDer(revoked.crls[0]);
    assert.deepEqual(
      [...readCrl(der, { partial: true }).entries()].map(({ serial }) => serial),
      [revoked.serial],
    );
    return der;
  });
  const crl = (der: Buffer) => encodePem('X509 CRL', der);
  const complete = await fetchDer('/crl/internal-ca.crl');
  const files = {
    ca: (await service.call('GET', '/ca/internal-ca.pem', { token: null })).body,
    revoked: revoked.pem,
    good: good.pem,
    part: crl(part),
    'part-of-good': crl(await fetchDer(good.crls[0])),
    complete: crl(complete),
    'first-and-delta': crl(first) + crl(await fetchDer('/crl/internal-ca/delta.crl')),
  };
  const verify = (list: string, leaf: string, ...more: string[]) =>
    openssl(
      ['verify', '-x509_strict', '-crl_check', ...more, '-CAfile', 'ca', '-CRLfile', list, leaf],
      files,
    );
  assert.equal(verify('part-of-good', 'good'), 'good: OK\n');
  assert.throws(() => verify('part', 'revoked'), /certificate revoked/);
  assert.equal(verify('complete', 'good'), 'good: OK\n');
  assert.throws(() => verify('complete', 'revoked'), /certificate revoked/);
  const deltas = ['-extended_crl', '-use_deltas'];
  assert.equal(verify('first-and-delta', 'good', ...deltas), 'good: OK\n');
  assert.throws(() => verify('first-and-delta', 'revoked', ...deltas), /certificate revoked/);
  // Every form is of the same moment.
  const { crlNumber, thisUpdate, nextUpdate } = readCrl(complete);
  const delta = readCrl(await fetchDer('/crl/internal-ca/delta.crl'), { partial: true });
  for (const read of [readCrl(part, { partial: true }), delta])
    assert.deepEqual([read.crlNumber, read.thisUpdate, read.nextUpdate], [crlNumber, thisUpdate, nextUpdate]);
});
