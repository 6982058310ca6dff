import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { encodePem } from '../../src/encoding/pem.ts';
import { signCrl } from '../../src/revocation/sign-crl.ts';
import { assembleSigned, fillTemplate, prepareTemplate } from '../../src/x509/certificate-template.ts';
import { encodeRevokedEntry, readCrl } from '../../src/x509/crl.ts';
import { withoutExtensions } from '../../src/x509/crl-walk.ts';
import { parseName } from '../../src/x509/name.ts';
import { readSubjectPublicKeyInfo, subjectKeyIdentifier } from '../../src/x509/public-key.ts';
import { makeAuthority } from '../support/authority.ts';
import { makeCsr } from '../support/csr.ts';
import { eventually } from '../support/eventually.ts';
import { knock } from '../support/nginx/knock.ts';
import { createOpensslAuthority } from '../support/nginx/openssl-authority.ts';
import { startPlainNginx } from '../support/nginx/plain-nginx.ts';
import { startTestService } from '../support/service.ts';
import { skipUnless } from '../support/skip.ts';

/** What nginx, which reads nothing but the Secret, says to the complete CRL when deltas are on, and to its compact form. */

interface Client {
  readonly cert: string;
  readonly key: string;
}

/** @returns the status that nginx answers to who comes with this certificate */
async function openDoor(
  t: TestContext,
  caCrt: string,
  caCrl: string,
): Promise<(client: Client) => Promise<number>> {
  const publicCa = await createOpensslAuthority('/CN=Public CA');
  t.after(() => publicCa.remove());
  const server = await publicCa.issue('/CN=door.example', ['door.example']);
  const nginx = await startPlainNginx(
    t,
    [
      'ssl_certificate server.crt; ssl_certificate_key server.key;',
      'ssl_client_certificate ca.crt; ssl_crl ca.crl; ssl_verify_client on; ssl_verify_depth 1;',
      'location / { return 204; }',
    ],
    { 'server.crt': server.cert, 'server.key': server.key, 'ca.crt': caCrt, 'ca.crl': caCrl },
  );
  return async (client) =>
    (await knock({ port: nginx.port, host: 'door.example', ca: publicCa.caCrt, ...client })).status;
}

test('a complete CRL that names its delta refuses the revoked client, and no other', async (t) => {
  if (skipUnless(t, 'nginx') || skipUnless(t, 'openssl')) return;
  const service = await startTestService(t, {
    env: { PUBLIC_URL: 'http://ca.example', CRL_DELTA: 'on', CRL_COALESCE: '0' },
  });
  const issue = async (): Promise<Client & { serial: string }> => {
    const { pem, privateKey } = await makeCsr();
    const answer = await service.call('POST', '/v1/certificates', { body: { csr: pem } });
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    return { serial: answer.text('serial'), cert: answer.text('certificate'), key };
  };
  const [good, revoked] = [await issue(), await issue()];
  await service.call('POST', `/v1/certificates/${revoked.serial}/revoke`, {
    body: { reason: 'keyCompromise' },
  });
  const published = (name: string) => readFile(join(service.dataDirectory, 'published', name), 'utf8');
  const caCrl = await eventually(async () => {
    const pem = await published('ca.crl');
    const crl = readCrl(Buffer.from(pem.replaceAll(/-----[^-]+-----/g, ''), 'base64'));
    assert.deepEqual(
      [...crl.entries()].map(({ serial }) => serial),
      [revoked.serial],
    );
    assert.deepEqual(crl.freshestCrl, ['http://ca.example/crl/internal-ca/delta.crl']);
    return pem;
  });
  const status = await openDoor(t, await published('ca.crt'), caCrl);
  assert.deepEqual([await status(good), await status(revoked)], [204, 400]);
});

test('a compact CRL refuses the same clients as the complete one', async (t) => {
  if (skipUnless(t, 'nginx') || skipUnless(t, 'openssl')) return;
  const now = Math.floor(Date.now() / 1000) * 1000;
  const authority = await makeAuthority(now);
  const issue = async (serial: Buffer): Promise<Client> => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const spki = readSubjectPublicKeyInfo(publicKey.export({ type: 'spki', format: 'der' }));
    const template = prepareTemplate({
      issuerName: authority.certificate.subject.der,
      issuerKeyId: subjectKeyIdentifier(authority.certificate.publicKey),
      signatureAlgorithm: authority.signer.algorithm.der,
      keyUsage: ['digitalSignature'],
      extendedKeyUsage: ['1.3.6.1.5.5.7.3.2'],
    });
    const tbs = fillTemplate(template, {
      serial,
      notBefore: new Date(now - 60_000),
      notAfter: new Date(now + 3_600_000),
      subject: parseName('CN=device').der,
      spki: spki.der,
      subjectKeyId: subjectKeyIdentifier(spki),
    });
    const der = assembleSigned(tbs, authority.signer.algorithm.der, await authority.signer.sign(tbs));
    return {
      cert: encodePem('CERTIFICATE', der),
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    };
  };
  const [good, revoked] = [Buffer.alloc(16, 1), Buffer.alloc(16, 2)];
  const entries = encodeRevokedEntry({
    serial: revoked,
    revocationDate: new Date(now),
    reason: 'superseded',
  });
  const head = { number: 7n, thisUpdate: new Date(now - 60_000), nextUpdate: new Date(now + 86_400_000) };
  const caCrt = encodePem('CERTIFICATE', authority.certificate.der);
  for (const list of [entries, withoutExtensions(entries)]) {
    const crl = Buffer.concat(await signCrl(authority, head, [list], {}));
    const status = await openDoor(t, caCrt, encodePem('X509 CRL', crl));
    assert.deepEqual([await status(await issue(good)), await status(await issue(revoked))], [204, 400]);
  }
});
