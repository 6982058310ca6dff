import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { temporaryFile } from '../config/support.ts';
import { createTestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { callHttp } from '../support/http-call.ts';
import { httpsGet } from '../support/https-get.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { spawnService } from '../support/service-process.ts';
import { skipUnless } from '../support/skip.ts';
import {
  type MountedSecret,
  mountTlsSecret,
  type ServerIdentity,
  serverIdentity,
} from '../support/tls-files.ts';

interface Scene {
  readonly service: TestService;
  readonly files: MountedSecret;
  readonly identity: ServerIdentity;
  readonly publicUrl: string;
}

async function setUp(t: TestContext): Promise<Scene> {
  const { url } = await createTestDatabase(t);
  const identity = await serverIdentity('first');
  const files = await mountTlsSecret(t, identity);
  const service = await startTestService(t, {
    databaseUrl: url,
    env: {
      TLS_CERTIFICATE_FILE: files.certificateFile,
      TLS_KEY_FILE: files.keyFile,
      HTTP_PUBLIC_PORT: '0',
    },
  });
  return { service, files, identity, publicUrl: publicUrlOf(service) };
}

/** Both addresses stand in the line that says the service is ready. */
function publicUrlOf({ log }: TestService): string {
  const ready = log.find((line) => typeof line === 'object' && line !== null && 'publicUrl' in line);
  assert.ok(typeof ready === 'object' && ready !== null && 'publicUrl' in ready);
  return String(ready.publicUrl);
}

test('the API by TLS, public files by plain HTTP, and nothing else there', async (t) => {
  const { service, identity, publicUrl } = await setUp(t);
  assert.match(service.url, /^https:\/\/127\.0\.0\.1:\d+$/);
  assert.match(publicUrl, /^http:\/\/127\.0\.0\.1:\d+$/);
  const tokens = await httpsGet(`${service.url}/v1/tokens`, identity.certificatePem, service.adminToken);
  assert.equal(tokens.status, 200, tokens.body);
  const secure = await httpsGet(`${service.url}/crl/internal-ca.pem`, identity.certificatePem);
  const plain = await callHttp('GET', `${publicUrl}/crl/internal-ca.pem`);
  assert.equal(plain.body.toString(), secure.body);
  assert.match(secure.body, /^-----BEGIN X509 CRL-----\n/);
  assert.equal((await callHttp('GET', `${publicUrl}/readyz`)).text('status'), 'ready');
  for (const path of ['/v1/tokens', '/metrics', '/docs', '/openapi.json'])
    assert.equal(
      (await callHttp('GET', `${publicUrl}${path}`, { token: service.adminToken })).status,
      404,
      path,
    );
});

test('a renewed certificate is served without a restart, and a broken one is not', {
  timeout: 180_000,
}, async (t) => {
  const { service, files, identity } = await setUp(t);
  const second = await serverIdentity('second', { notAfter: new Date(Date.now() + 3_600_000) });
  await files.swap(second);
  await eventually(async () => {
    assert.equal((await httpsGet(`${service.url}/livez`, second.certificatePem)).status, 200);
  }, 60_000);
  await files.swap({ certificatePem: identity.certificatePem });
  await eventually(() => assert.match(JSON.stringify(service.log), /goes on being served/), 60_000);
  const figures = await httpsGet(`${service.url}/metrics`, second.certificatePem, service.adminToken);
  const [, seconds] = /^internal_ca_tls_certificate_seconds_to_expiry (\S+)$/m.exec(figures.body) ?? [];
  assert.ok(Number(seconds) > 0 && Number(seconds) <= 3_600, seconds);
  assert.match(figures.body, /internal_ca_tls_reload_failures_total 1\n/);
});

test('SIGTERM ends both listeners, and the process ends with 0', async (t) => {
  const { service, publicUrl } = await setUp(t);
  assert.equal(await service.stop(), 0);
  await assert.rejects(callHttp('GET', `${publicUrl}/livez`));
});

test('curl and openssl find nothing to complain about', async (t) => {
  if (skipUnless(t, 'curl') || skipUnless(t, 'openssl')) return;
  const { service, files, identity } = await setUp(t);
  const run = promisify(execFile);
  const curl = await run('curl', ['-sf', '--cacert', files.certificateFile, `${service.url}/livez`]);
  assert.equal(curl.stdout, '{"status":"ok"}');
  const anchor = temporaryFile(t, identity.certificatePem, 'anchor.pem');
  const { host } = new URL(service.url);
  const client = run('openssl', [
    's_client',
    '-connect',
    host,
    '-CAfile',
    anchor,
    '-tls1_2',
    '-verify_return_error',
  ]);
  client.child.stdin?.end('Q\n');
  const { stdout } = await client;
  assert.match(stdout, /Verify return code: 0 \(ok\)/);
  assert.match(stdout, /Cipher is ECDHE-ECDSA-AES/);
});

test('files that cannot be meant stop the start in one line, before anything is made', async (t) => {
  const { url, db } = await createTestDatabase(t);
  const [one, other] = [await serverIdentity('one'), await serverIdentity('other')];
  const [certificate, key, grants] = [
    temporaryFile(t, one.certificatePem, 'tls.crt'),
    temporaryFile(t, other.keyPem, 'tls.key'),
    temporaryFile(t, "grants: [{ group: 'system:serviceaccounts', role: boss }]", 'grants.yaml'),
  ];
  const kubeconfig = { KUBERNETES: 'kubeconfig', KUBECONFIG: '/nowhere', KUBERNETES_CONTEXT: 'x' };
  const cases: readonly (readonly [NodeJS.ProcessEnv, RegExp])[] = [
    [{ TLS_CERTIFICATE_FILE: certificate, TLS_KEY_FILE: key }, /TLS_KEY_FILE: .* is not the key/],
    [{ TLS_CERTIFICATE_FILE: '/nowhere/tls.crt', TLS_KEY_FILE: key }, /TLS_CERTIFICATE_FILE: .*ENOENT/],
    [{ ACCESS_SERVICE_ACCOUNT_GRANTS_FILE: grants, ...kubeconfig }, /grants\.0\.role must be one of admin/],
    [{ ACCESS_SERVICE_ACCOUNT_GRANTS_FILE: grants }, /runs without Kubernetes/],
  ];
  for (const [env, expected] of cases) {
    const said = await refusal({ DATABASE_URL: url, DATA_DIR: '/nowhere', ...env });
    assert.match(said, expected);
    assert.doesNotMatch(said, /BEGIN/);
  }
  const tables = await db.query({
    text: "select 1 from information_schema.tables where table_name = 'authorities'",
  });
  if (tables.length > 0) assert.deepEqual(await db.query({ text: 'select name from authorities' }), []);
});

test('a public port that is taken is one line that names the setting, and nothing is left running', async (t) => {
  const [{ url }, { url: second }] = await Promise.all([createTestDatabase(t), createTestDatabase(t)]);
  const busy = await startTestService(t, { databaseUrl: url, inProcess: true });
  const { port } = new URL(busy.url);
  const said = await refusal({ DATABASE_URL: second, DATA_DIR: busy.dataDirectory, HTTP_PUBLIC_PORT: port });
  assert.match(said, /HTTP_PUBLIC_PORT: .*address already in use/);
});

/** What a program says that cannot start: one line, exit status 1. */
async function refusal(env: NodeJS.ProcessEnv): Promise<string> {
  const child = await spawnService({ PORT: '0', KUBERNETES: 'off', ...env });
  const { code, stderr } = await child.ended;
  assert.equal(code, 1, stderr);
  assert.match(stderr, /^internal-ca cannot start: [^\n]+\n$/);
  return stderr;
}
