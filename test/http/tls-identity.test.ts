import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { test } from 'node:test';
import { ConfigError } from '../../src/config/config.ts';
import { readTlsIdentity } from '../../src/http/tls-identity.ts';
import { temporaryFile } from '../config/support.ts';
import { p256, serverIdentity } from '../support/tls-files.ts';

type Scope = Parameters<typeof temporaryFile>[0];

async function refusal(t: Scope, certificatePem: string, keyPem: string): Promise<string> {
  const certificateFile = temporaryFile(t, certificatePem, 'tls.crt');
  const keyFile = temporaryFile(t, keyPem, 'tls.key');
  try {
    await readTlsIdentity({ certificateFile, keyFile });
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    assert.doesNotMatch(error.message, /\n|BEGIN/);
    return error.message.replaceAll(/\/\S*\/(tls\.\w+)/g, '$1');
  }
  return 'accepted';
}

test('a certificate and its key are taken, with the chain behind it', async (t) => {
  const notAfter = new Date('2030-01-02T03:04:05Z');
  const [one, other] = [await serverIdentity('one', { notAfter }), await serverIdentity('intermediate')];
  const chain = `${one.certificatePem}\n${other.certificatePem}\n`;
  const identity = await readTlsIdentity({
    certificateFile: temporaryFile(t, chain, 'tls.crt'),
    keyFile: temporaryFile(t, one.keyPem, 'tls.key'),
  });
  assert.equal(identity.certificate, chain);
  assert.deepEqual(identity.notAfter, notAfter);
});

test('an expired certificate is taken: whoever renews it may need this service', async (t) => {
  const { certificatePem, keyPem } = await serverIdentity('old', { notAfter: new Date(Date.now() - 1_000) });
  assert.equal(await refusal(t, certificatePem, keyPem), 'accepted');
});

test('what cannot be served is refused in one line', async (t) => {
  const [one, other] = [await serverIdentity('one'), await serverIdentity('other')];
  const cases: readonly (readonly [certificate: string, key: string, message: RegExp])[] = [
    [
      one.certificatePem,
      other.keyPem,
      /^TLS_KEY_FILE: tls\.key is not the key of the certificate in tls\.crt$/,
    ],
    // The chain in the wrong order: the first is the server's.
    [`${other.certificatePem}\n${one.certificatePem}`, one.keyPem, /^TLS_KEY_FILE: tls\.key is not the key/],
    ['', one.keyPem, /^TLS_CERTIFICATE_FILE: tls\.crt holds no certificate in PEM$/],
    [one.keyPem, one.keyPem, /^TLS_CERTIFICATE_FILE: tls\.crt holds no certificate in PEM$/],
    [one.certificatePem.slice(0, -40), one.keyPem, /^TLS_CERTIFICATE_FILE: tls\.crt holds no certificates: /],
    [
      `${one.certificatePem}\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
      one.keyPem,
      /^TLS_CERTIFICATE_FILE: tls\.crt holds no certificates: /,
    ],
    [one.certificatePem, '', /^TLS_KEY_FILE: tls\.key holds no private key in PEM, or an encrypted one$/],
    [one.certificatePem, one.certificatePem, /^TLS_KEY_FILE: tls\.key holds no private key in PEM/],
    [one.certificatePem, encrypted(one.keyPem), /^TLS_KEY_FILE: .*or an encrypted one$/],
  ];
  for (const [certificate, key, message] of cases)
    assert.match(await refusal(t, certificate, key), message, `${message}`);
});

test('a key that OpenSSL finds too weak is refused at the start, not at the first handshake', async (t) => {
  const algorithm = {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: 1024,
    publicExponent: new Uint8Array([1, 0, 1]),
  };
  const { certificatePem, keyPem } = await serverIdentity('weak', { algorithm });
  assert.match(await refusal(t, certificatePem, keyPem), /^TLS_CERTIFICATE_FILE: tls\.crt: .*too small/);
});

test('a file that is not there is one line, too', async (t) => {
  const certificateFile = temporaryFile(t, (await serverIdentity('one')).certificatePem, 'tls.crt');
  await assert.rejects(readTlsIdentity({ certificateFile, keyFile: '/nowhere/tls.key' }), {
    message: 'TLS_KEY_FILE: /nowhere/tls.key cannot be read (ENOENT)',
  });
});

test('SEC 1 is taken as well as PKCS #8', async (t) => {
  const { certificatePem, keyPem } = await serverIdentity('sec1', { algorithm: p256 });
  const sec1 = createPrivateKey(keyPem).export({ type: 'sec1', format: 'pem' });
  assert.equal(await refusal(t, certificatePem, String(sec1)), 'accepted');
});

function encrypted(keyPem: string): string {
  const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'hush' } as const;
  return String(createPrivateKey(keyPem).export(options));
}
