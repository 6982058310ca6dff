import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { decodePem } from '../../src/encoding/pem.ts';
import { readCrl } from '../../src/x509/crl.ts';
import { type CsrKeyType, makeCsr } from '../support/csr.ts';
import { createTestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { findTool, skipUnless } from '../support/skip.ts';

/** What OpenSSL and GnuTLS say to the certificates and CRLs of the running service, for each kind of CA key. */

const caKeyTypes = ['ec-p256', 'ec-p384', 'rsa-2048', 'rsa-3072', 'ed25519'] as const;
const csrKeyTypes: readonly CsrKeyType[] = [
  'ec-p256',
  'ec-p384',
  'ec-p521',
  'rsa-2048',
  'rsa-3072',
  'ed25519',
];

const csrs = new Map<CsrKeyType, string>();
/** Of a key of its own: whose key is compromised loses all certificates of it. */
let csrOfStolenKey = '';
before(async () => {
  for (const keyType of csrKeyTypes) csrs.set(keyType, await newCsr(keyType));
  csrOfStolenKey = await newCsr('ec-p256');
});

async function newCsr(keyType: CsrKeyType): Promise<string> {
  const { pem } = await makeCsr({
    keyType,
    subject: 'C=DE, O=Example, CN=Grüße',
    sans: [
      { type: 'dns', value: 'client.example' },
      { type: 'ip', value: '2001:db8::1' },
      { type: 'url', value: 'spiffe://example/client' },
    ],
  });
  return pem;
}

interface Issued {
  readonly keyType: CsrKeyType;
  readonly serial: string;
  readonly file: string;
}

interface Published {
  readonly certificates: string;
  readonly crls: string;
}

/** A service with this kind of CA, a good certificate for each kind of key, and one that was revoked. */
async function issueAll(
  t: TestContext,
  keyType: string,
): Promise<{ published: Published; good: Issued[]; revoked: Issued }> {
  const { url } = await createTestDatabase(t);
  const service = await startTestService(t, {
    databaseUrl: url,
    inProcess: true,
    env: { CA_KEY_TYPE: keyType, CA_SUBJECT: 'CN=Internal CA,O=Example', PUBLIC_URL: 'http://ca.example' },
  });
  const good: Issued[] = [];
  for (const [csrKeyType, csr] of csrs) good.push(await issue(service, csrKeyType, csr));
  const revoked = await issue(service, 'ec-p256', csrOfStolenKey);
  const answer = await service.call('POST', `/v1/certificates/${revoked.serial}/revoke`, {
    body: { reason: 'keyCompromise' },
  });
  assert.equal(answer.status, 200);
  const directory = join(service.dataDirectory, 'published');
  const published = { certificates: join(directory, 'ca.crt'), crls: join(directory, 'ca.crl') };
  await eventually(async () => {
    const [crl] = decodePem(await readFile(published.crls, 'utf8'));
    assert.ok(crl && [...readCrl(crl.der).entries()].some(({ serial }) => serial === revoked.serial));
  });
  return { published, good, revoked };
}

async function issue(service: TestService, keyType: CsrKeyType, csr: string): Promise<Issued> {
  const answer = await service.call('POST', '/v1/certificates', { body: { csr } });
  assert.equal(answer.status, 201, answer.body.toString());
  const serial = answer.text('serial');
  const file = join(service.dataDirectory, `${serial}.pem`);
  await writeFile(file, answer.text('certificate'));
  return { keyType, serial, file };
}

const execute = promisify(execFile);

/** The exit code and everything that was said. */
async function run(tool: string, ...args: string[]): Promise<{ accepted: boolean; said: string }> {
  try {
    const { stdout, stderr } = await execute(findTool(tool) ?? tool, args);
    return { accepted: true, said: stdout + stderr };
  } catch (error) {
    if (!(error instanceof Error) || !('stdout' in error) || !('stderr' in error)) throw error;
    return { accepted: false, said: `${error.stdout}${error.stderr}` };
  }
}

for (const keyType of caKeyTypes) {
  test(`OpenSSL accepts what a CA with ${keyType} issues, and refuses what it revoked`, async (t) => {
    if (skipUnless(t, 'openssl')) return;
    const { published, good, revoked } = await issueAll(t, keyType);
    const verify = (file: string, purpose = 'sslclient') =>
      run(
        'openssl',
        ...['verify', '-x509_strict', '-crl_check_all', '-purpose', purpose, '-policy_check'],
        ...['-CAfile', published.certificates, '-CRLfile', published.crls, file],
      );
    for (const one of good) {
      const { accepted, said } = await verify(one.file);
      assert.ok(accepted, `${one.keyType}: ${said}`);
    }
    const server = await verify(good[0]?.file ?? '', 'sslserver');
    assert.ok(!server.accepted, 'a client certificate is not one for servers');
    const refusal = await verify(revoked.file);
    assert.ok(!refusal.accepted);
    assert.match(refusal.said, /error 23 .*certificate revoked/);
    const crl = await run(
      'openssl',
      'crl',
      '-verify',
      '-noout',
      '-in',
      published.crls,
      '-CAfile',
      published.certificates,
    );
    assert.ok(crl.accepted, crl.said);
    assert.match(crl.said, /verify OK/);
    const ca = await run(
      'openssl',
      'verify',
      '-x509_strict',
      '-CAfile',
      published.certificates,
      published.certificates,
    );
    assert.ok(ca.accepted, ca.said);
  });

  test(`GnuTLS accepts what a CA with ${keyType} issues, and refuses what it revoked`, async (t) => {
    if (skipUnless(t, 'certtool')) return;
    const { published, good, revoked } = await issueAll(t, keyType);
    const verify = (file: string) =>
      run(
        'certtool',
        ...['--verify', '--verify-profile=medium', '--load-ca-certificate', published.certificates],
        ...['--load-crl', published.crls, '--infile', file],
      );
    for (const one of good) {
      const { accepted, said } = await verify(one.file);
      assert.ok(accepted, `${one.keyType}: ${said}`);
      assert.match(said, /Chain verification output: Verified\. The certificate is trusted/);
    }
    const refusal = await verify(revoked.file);
    assert.ok(!refusal.accepted, refusal.said);
    assert.match(refusal.said, /revoked/i);
    const crl = await run(
      'certtool',
      ...['--verify-crl', '--load-ca-certificate', published.certificates, '--infile', published.crls],
    );
    assert.ok(crl.accepted, crl.said);
    assert.match(crl.said, /Verification output: Verified/);
  });
}
