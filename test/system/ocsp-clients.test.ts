import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { makeCsr } from '../support/csr.ts';
import { createTestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { knock } from '../support/nginx/knock.ts';
import { createOpensslAuthority } from '../support/nginx/openssl-authority.ts';
import { startPlainNginx } from '../support/nginx/plain-nginx.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { findTool, skipUnless } from '../support/skip.ts';

/** What OpenSSL, GnuTLS, Java and nginx say to the OCSP answers of the running service. */

interface Setting {
  readonly service: TestService;
  readonly directory: string;
  /** The responder's. */
  readonly url: string;
  readonly good: string;
  readonly revoked: string;
}

/** With the files `ca.pem`, and `good` and `revoked` as `.pem` and `.key`. */
async function setUp(t: TestContext, env: Record<string, string> = {}): Promise<Setting> {
  const { url: databaseUrl } = await createTestDatabase(t);
  const service = await startTestService(t, { databaseUrl, inProcess: true, env });
  const directory = await mkdtemp(join(tmpdir(), 'internal-ca-ocsp-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const ca = await service.call('GET', '/ca/internal-ca.pem');
  await writeFile(join(directory, 'ca.pem'), ca.body);
  const issue = async (name: string): Promise<string> => {
    const { pem, privateKey } = await makeCsr({ subject: `CN=${name}` });
    const answer = await service.call('POST', '/v1/certificates', { body: { csr: pem } });
    await writeFile(join(directory, `${name}.pem`), answer.text('certificate'));
    await writeFile(join(directory, `${name}.key`), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    return answer.text('serial');
  };
  const [good, revoked] = [await issue('good'), await issue('revoked')];
  await revoke(service, revoked, 'keyCompromise');
  return { service, directory, url: `${service.url}/ocsp/internal-ca`, good, revoked };
}

async function revoke(service: TestService, serial: string, reason: string): Promise<void> {
  const answer = await service.call('POST', `/v1/certificates/${serial}/revoke`, { body: { reason } });
  assert.equal(answer.status, 200, answer.body.toString());
}

/** Everything that was said, whatever the exit code. */
async function run(cwd: string, tool: string, ...options: string[]): Promise<string> {
  try {
    const { stdout, stderr } = await promisify(execFile)(findTool(tool) ?? tool, options, { cwd });
    return stdout + stderr;
  } catch (error) {
    if (!(error instanceof Error) || !('stdout' in error) || !('stderr' in error)) throw error;
    return `${error.stdout}${error.stderr}`;
  }
}

for (const keyType of ['ec-p256', 'ec-p384', 'rsa-2048', 'ed25519'] as const) {
  test(`OpenSSL takes the answers of a CA with ${keyType}: good, revoked, unknown, several, with a nonce`, async (t) => {
    if (skipUnless(t, 'openssl')) return;
    const { directory, url, revoked } = await setUp(t, { CA_KEY_TYPE: keyType });
    const ask = (...options: string[]) =>
      run(directory, 'openssl', 'ocsp', '-issuer', 'ca.pem', '-CAfile', 'ca.pem', '-url', url, ...options);
    const unknown = '0x7fffffffffffffffffffffffffffffff';
    // Revocations are known everywhere within a second.
    await eventually(async () => assert.match(await ask('-cert', 'revoked.pem', '-no_nonce'), /revoked/));
    for (const nonce of ['-nonce', '-no_nonce']) {
      for (const hash of ['-sha1', '-sha256']) {
        const said = await ask(
          nonce,
          hash,
          '-cert',
          'good.pem',
          hash,
          '-cert',
          'revoked.pem',
          hash,
          '-serial',
          unknown,
        );
        assert.match(said, /Response verify OK/);
        assert.match(said, /good\.pem: good/);
        assert.match(said, /revoked\.pem: revoked/);
        assert.match(said, /Reason: keyCompromise/);
        assert.match(said, /0x7f+: unknown/i);
        assert.doesNotMatch(said, /WARNING: no nonce|Nonce Verify error/);
        const one = await ask(nonce, hash, '-cert', 'good.pem');
        assert.match(one, /good\.pem: good/);
        assert.match(one, /Response verify OK/);
      }
    }
    const text = await ask('-cert', 'revoked.pem', '-resp_text');
    assert.match(text, new RegExp(`Serial Number: ${revoked}`, 'i'));
    assert.match(text, /OCSP No Check/);
  });
}

test('OpenSSL is told that it asks the wrong CA, and refuses a responder of another', async (t) => {
  if (skipUnless(t, 'openssl')) return;
  const { directory, url } = await setUp(t);
  const stranger = await createOpensslAuthority('/CN=Stranger');
  t.after(() => stranger.remove());
  await writeFile(join(directory, 'other.pem'), stranger.caCrt);
  const ask = (...options: string[]) => run(directory, 'openssl', 'ocsp', '-url', url, ...options);
  assert.match(
    await ask('-issuer', 'other.pem', '-serial', '17', '-CAfile', 'other.pem'),
    /unauthorized \(6\)/,
  );
  const untrusted = await ask('-issuer', 'ca.pem', '-cert', 'good.pem', '-CAfile', 'other.pem');
  assert.match(untrusted, /Response Verify Failure/);
});

test('GnuTLS takes them', async (t) => {
  if (skipUnless(t, 'ocsptool')) return;
  const { directory, url } = await setUp(t);
  const ask = (name: string) =>
    run(
      directory,
      'ocsptool',
      ...[`--ask=${url}`, `--load-cert=${name}.pem`, '--load-issuer=ca.pem', '--load-trust=ca.pem'],
    );
  await eventually(async () => assert.match(await ask('revoked'), /revoked/i));
  const good = await ask('good');
  assert.match(good, /Verifying OCSP Response: Success/);
  assert.match(good, /Certificate Status: good/i);
  assert.match(await ask('revoked'), /Verifying OCSP Response: Success/);
});

test('Java takes them', async (t) => {
  if (skipUnless(t, 'javac')) return;
  const { directory, url } = await setUp(t);
  await writeFile(join(directory, 'Check.java'), javaCheck);
  const ask = (name: string) => run(directory, 'java', 'Check.java', 'ca.pem', `${name}.pem`, url);
  await eventually(async () => assert.match(await ask('revoked'), /REVOKED.*KEY_COMPROMISE/));
  assert.equal((await ask('good')).trim(), 'OK');
});

const javaCheck = `
import java.io.FileInputStream;
import java.net.URI;
import java.security.cert.*;
import java.util.*;
public class Check {
  public static void main(String[] args) throws Exception {
    CertificateFactory factory = CertificateFactory.getInstance("X.509");
    X509Certificate ca = (X509Certificate) factory.generateCertificate(new FileInputStream(args[0]));
    Certificate leaf = factory.generateCertificate(new FileInputStream(args[1]));
    CertPathValidator validator = CertPathValidator.getInstance("PKIX");
    PKIXRevocationChecker checker = (PKIXRevocationChecker) validator.getRevocationChecker();
    checker.setOcspResponder(new URI(args[2]));
    checker.setOptions(EnumSet.of(PKIXRevocationChecker.Option.ONLY_END_ENTITY, PKIXRevocationChecker.Option.NO_FALLBACK));
    PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor(ca, null)));
    parameters.addCertPathChecker(checker);
    try {
      validator.validate(factory.generateCertPath(List.of(leaf)), parameters);
      System.out.println("OK");
    } catch (CertPathValidatorException e) {
      System.out.println(e.getReason() + " " + e.getMessage());
    }
  }
}
`;

test('nginx with ssl_ocsp asks for each client: a revoked one is refused without any CRL or reload', async (t) => {
  if (skipUnless(t, 'nginx') || skipUnless(t, 'openssl')) return;
  const { directory, service, url, good } = await setUp(t);
  const server = await createOpensslAuthority('/CN=Somebody else');
  t.after(() => server.remove());
  const host = await server.issue('/CN=shop.example', ['shop.example']);
  const nginx = await startPlainNginx(
    t,
    [
      `ssl_certificate ${host.certificateFile}; ssl_certificate_key ${host.keyFile};`,
      'ssl_client_certificate ca.pem; ssl_verify_client on;',
      `ssl_ocsp leaf; ssl_ocsp_responder ${url};`,
      'ssl_session_cache off; ssl_session_tickets off;',
      'location / { return 200 "let in"; }',
    ],
    { 'ca.pem': await readFile(join(directory, 'ca.pem'), 'utf8') },
  );
  const visit = async (name: string): Promise<number> => {
    const file = (extension: string) => readFile(join(directory, `${name}.${extension}`), 'utf8');
    const { status } = await knock({
      port: nginx.port,
      host: 'shop.example',
      ca: server.caCrt,
      cert: await file('pem'),
      key: await file('key'),
    });
    return status;
  };
  await eventually(async () => assert.equal(await visit('revoked'), 400, await nginx.errorLog()));
  assert.equal(await visit('good'), 200, await nginx.errorLog());
  await revoke(service, good, 'superseded');
  await eventually(async () => assert.equal(await visit('good'), 400));
  assert.match(await nginx.errorLog(), /certificate revoked/);
});
