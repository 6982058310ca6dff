import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSelfSignedCertificate } from '../../src/authority/self-signed.ts';
import { encodePem } from '../../src/encoding/pem.ts';
import { generatePrivateKey } from '../../src/keys/private-key.ts';
import { createSoftwareSigner } from '../../src/keys/signer.ts';
import { signCrl } from '../../src/revocation/sign-crl.ts';
import { examineCertificate } from '../../src/verification/client-certificate.ts';
import { UnreadableCertificate } from '../../src/verification/forwarded-certificate.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import { encodeRevokedEntry } from '../../src/x509/crl.ts';
import { parseName } from '../../src/x509/name.ts';
import { knock } from '../support/nginx/knock.ts';
import { createOpensslAuthority } from '../support/nginx/openssl-authority.ts';
import { startPlainNginx } from '../support/nginx/plain-nginx.ts';
import { skipUnless } from '../support/skip.ts';
import { leafOf, oddLeaves } from './odd-leaves.ts';

/** What nginx says to a client is the measure of what `/v1/verify` says to the same certificate. */
test('a certificate is let in where nginx lets it in, and nowhere else', async (t) => {
  if (skipUnless(t, 'nginx') || skipUnless(t, 'openssl')) return;
  const now = Math.floor(Date.now() / 1000) * 1000;
  const caKey = await generatePrivateKey('ec-p256');
  const certificate = readCertificate(
    await createSelfSignedCertificate({
      subject: parseName('CN=Test CA,O=Example'),
      privateKey: caKey,
      serial: Buffer.alloc(16, 1),
      notBefore: new Date(now - 86_400_000),
      notAfter: new Date(now + 10 * 365 * 86_400_000),
    }),
  );
  const authority = { name: 'internal-ca', certificate, chain: [], signer: createSoftwareSigner(caKey) };
  const head = { number: 7n, thisUpdate: new Date(now - 60_000), nextUpdate: new Date(now + 86_400_000) };
  const revoked = encodeRevokedEntry({ serial: Buffer.alloc(16, 2), revocationDate: new Date(now - 60_000) });
  const crl = Buffer.concat(await signCrl(authority, head, [revoked], {}));
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
    {
      'server.crt': server.cert,
      'server.key': server.key,
      'ca.crt': encodePem('CERTIFICATE', certificate.der),
      'ca.crl': encodePem('X509 CRL', crl),
    },
  );
  const atNginx = async (der: Buffer, key: string): Promise<string> => {
    const client = { cert: encodePem('CERTIFICATE', der), key };
    const door = { port: nginx.port, host: 'door.example', ca: publicCa.caCrt };
    try {
      return (await knock({ ...door, ...client })).status === 204 ? 'admitted' : 'refused';
    } catch {
      // Neither end reads it: the handshake fails.
      return 'refused';
    }
  };
  const answers: Record<string, readonly [string, string]> = {};
  for (const [name, parts] of Object.entries(oddLeaves)) {
    const { der, key } = leafOf(authority, caKey, now, parts);
    answers[name] = [await atNginx(der, key), await here(der)];
  }
  async function here(der: Buffer): Promise<string> {
    try {
      const found = await examineCertificate(der, [authority]);
      return 'reason' in found ? 'refused' : 'admitted';
    } catch (error) {
      if (error instanceof UnreadableCertificate) return 'refused';
      throw error;
    }
  }
  assert.equal(answers.usual?.[0], 'admitted');
  const apart = Object.entries(answers).filter(([, [there, verify]]) => there !== verify);
  assert.deepEqual(Object.fromEntries(apart), {});
});
