import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { identityHeaders, omittedHeader } from '../../src/verification/identity-headers.ts';
import { loadCallers } from '../../src/verification/load-callers.ts';
import { temporaryFile } from '../config/support.ts';
import { markedCommands, readDocument } from '../docs/documents.ts';
import { makeCsr } from '../support/csr.ts';
import { createTestDatabase } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { createOpensslAuthority } from '../support/nginx/openssl-authority.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { skipUnless } from '../support/skip.ts';

/** docs/live-verification.md as it is written: its callers, its commands at a real nginx, and the example for Traefik. */

const root = fileURLToPath(new URL('../..', import.meta.url));
const guide = 'docs/live-verification.md';

const callersYaml =
  /## Who may ask[\s\S]*?```yaml\n([\s\S]*?)```/.exec(readDocument(guide))?.[1] ?? assert.fail('no callers');

interface Setting {
  readonly service: TestService;
  /** As the clone is, with `data`, `docs/examples`, the server's certificate, and `alice` and `bob` as `.pem` and `.key`. */
  readonly directory: string;
  /** Runs it with bash; standard output. */
  shell(script: string): Promise<string>;
}

async function setUp(t: TestContext): Promise<Setting> {
  const directory = await mkdtemp(join(tmpdir(), 'internal-ca-verify-'));
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };
  const bash = async (script: string): Promise<string> => {
    const command = ['-euo', 'pipefail', '-c', script];
    const { stdout } = await promisify(execFile)('bash', command, { cwd: directory, env });
    return stdout.replaceAll('\r\n', '\n');
  };
  // Before the service, whose directory has the file that tells where nginx is.
  t.after(async () => {
    await bash(`${stop} || true`);
    await rm(directory, { recursive: true, force: true });
  });
  const { url: databaseUrl } = await createTestDatabase(t);
  const service = await startTestService(t, {
    inProcess: true,
    databaseUrl,
    env: { VERIFY_CALLERS_FILE: temporaryFile(t, callersYaml) },
  });
  const publicCa = await createOpensslAuthority('/CN=localhost');
  const { cert, key } = await publicCa.issue('/CN=localhost', ['localhost']);
  await publicCa.remove();
  await symlink(service.dataDirectory, join(directory, 'data'));
  await mkdir(join(directory, 'docs'));
  await cp(join(root, 'docs/examples'), join(directory, 'docs/examples'), { recursive: true });
  await writeFile(join(directory, 'server.crt'), cert + publicCa.caCrt);
  await writeFile(join(directory, 'server.key'), key);
  const port = String(await freePort());
  const elsewhere = (text: string): string =>
    text.replaceAll('127.0.0.1:8080', new URL(service.url).host).replaceAll('8443', port);
  const conf = join(directory, 'docs/examples/nginx-verify.conf');
  await writeFile(conf, elsewhere(await readFile(conf, 'utf8')));
  return { service, directory, shell: (script) => bash(elsewhere(script)) };
}

const start = 'nginx -p . -c docs/examples/nginx-verify.conf';
const stop = `${start} -s stop 2>/dev/null`;

async function enrol({ service, directory }: Setting, name: string): Promise<string> {
  const { pem, privateKey } = await makeCsr({ subject: `CN=${name}` });
  const answer = await service.call('POST', '/v1/certificates', { body: { csr: pem } });
  assert.equal(answer.status, 201, answer.body.toString());
  await writeFile(join(directory, `${name}.pem`), answer.text('certificate'));
  await writeFile(join(directory, `${name}.key`), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return answer.text('serial');
}

test('nginx asks as the guide has it: the revoked is refused without a CRL or a reload', async (t) => {
  if (['nginx', 'openssl', 'curl'].some((tool) => skipUnless(t, tool))) return;
  const setting = await setUp(t);
  const serial = await enrol(setting, 'alice');
  const { commands, output } = markedCommands(guide, 'nginx');
  const printed = await setting.shell(
    `SERIAL=${serial}; TOKEN=${setting.service.adminToken}; exec 2>/dev/null\n${commands}`,
  );
  assert.equal(printed, output);
});

test('a client cannot say who it is but by TLS, and nothing is let in while nobody answers', async (t) => {
  if (['nginx', 'openssl', 'curl'].some((tool) => skipUnless(t, tool))) return;
  const setting = await setUp(t);
  await enrol(setting, 'alice');
  await enrol(setting, 'bob');
  const { shell } = setting;
  const curl = 'curl -s --cacert server.crt https://localhost:8443/';
  const alice = `${curl} --cert alice.pem --key alice.key`;
  await shell(start);
  const forged = `-H "ssl-client-cert: $(node -p 'encodeURIComponent(fs.readFileSync("bob.pem"))')"`;
  assert.equal(await shell(`${alice} ${forged} -H 'X-Client-Common-Name: root'`), 'hello alice\n');
  assert.match(await shell(`${curl} ${forged}`), /400 No required SSL certificate/);
  await setting.service.stop();
  assert.match(await shell(alice), /500 Internal Server Error/);
});

test("the guide's callers can be loaded as they are, and have the proofs that it says", async (t) => {
  const [nginx, traefik, ...more] = await loadCallers(temporaryFile(t, callersYaml), ['internal-ca']);
  assert.deepEqual([nginx?.name, traefik?.name, more], ['nginx', 'traefik', []]);
  assert.equal(nginx?.networks?.include('127.0.0.1'), true);
  assert.equal(traefik?.keySha256?.length, 32);
  assert.equal(traefik?.allow?.length, 2);
});

test('the example for Traefik overwrites every identity header, and hands the certificate on before it asks', () => {
  const documents = parseAllDocuments(readDocument('docs/examples/traefik-verify.yaml')).map(
    (document) =>
      document.toJS() as { kind: string; metadata: { name: string }; spec: Record<string, unknown> },
  );
  const specOf = (name: string) => documents.find(({ metadata }) => metadata.name === name)?.spec;
  assert.deepEqual(specOf('client-certificate'), { passTLSClientCert: { pem: true } });
  const forwardAuth = specOf('verify-client')?.forwardAuth as {
    authResponseHeaders: string[];
    trustForwardHeader: boolean;
  };
  // Else Traefik does not hand on the certificate either.
  assert.equal(forwardAuth.trustForwardHeader, true);
  assert.deepEqual(
    forwardAuth.authResponseHeaders.map((name) => name.toLowerCase()).sort(),
    [...identityHeaders, omittedHeader].sort(),
  );
  const { routes } = specOf('web') as { routes: { middlewares: { name: string }[] }[] };
  assert.deepEqual(
    routes[0]?.middlewares.map(({ name }) => name),
    ['client-certificate', 'verify-client'],
  );
});
