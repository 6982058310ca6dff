import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdir, rm, stat } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeCsr } from '../support/csr.ts';
import { createTestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { startServiceCluster } from '../support/kubernetes/for-service.ts';
import { temporaryDataDirectory } from '../support/postgres-server.ts';
import { startTestService, type TestServiceOptions } from '../support/service.ts';
import { mainProgram, type ProcessEnd, spawnService } from '../support/service-process.ts';

/** What a program says that cannot start: one line, no stack, exit status 1. */
async function refusal(env: NodeJS.ProcessEnv): Promise<string> {
  const child = await spawnService({ PORT: '0', KUBERNETES: 'off', ...env });
  const outcome = await Promise.race([child.ended, child.ready.catch(() => child.ended)]);
  if (typeof outcome === 'string') {
    await child.stop();
    assert.fail('it started');
  }
  return oneLine(outcome);
}

async function ownDirectory(t: TestContext): Promise<string> {
  const directory = await temporaryDataDirectory();
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

function oneLine({ code, signal, stderr }: ProcessEnd): string {
  assert.equal(code, 1, `${signal} ${stderr}`);
  assert.match(stderr, /^internal-ca cannot start: [^\n]+\n$/);
  return stderr;
}

test('a second process on the same DATA_DIR is refused in one line, and the first one serves on', async (t) => {
  const service = await startTestService(t);
  const said = await refusal({ DATA_DIR: service.dataDirectory });
  assert.match(said, /in use by another internal-ca/);
  assert.ok(said.includes(service.dataDirectory));
  const { pem } = await makeCsr();
  assert.equal((await service.call('POST', '/v1/certificates', { body: { csr: pem } })).status, 201);
});

test('what cannot be meant stops the start with one line that names it', async (t) => {
  const [{ url }, { url: otherUrl }] = await Promise.all([createTestDatabase(t), createTestDatabase(t)]);
  const busy = await startTestService(t, { databaseUrl: otherUrl, inProcess: true });
  const cases: readonly (readonly [NodeJS.ProcessEnv, RegExp])[] = [
    [{ PORT: 'http' }, /PORT/],
    [{ DATA_DIR: '/dev/null/data' }, /\/dev\/null\/data/],
    [{ CRL_OVERLAP: 'P8D', CRL_VALIDITY: 'P7D' }, /CRL_OVERLAP/],
    [{ CA_VALIDITY: 'P30D', ISSUANCE_MAX_VALIDITY: 'P31D' }, /ISSUANCE_MAX_VALIDITY/],
    [{ CA_KEY_TYPE: 'rsa-1024' }, /CA_KEY_TYPE/],
    [{ CA_SUBJECT: 'no name' }, /CA_SUBJECT/],
    [{ CA_KEY_STORE: 'secret' }, /CA_KEY_STORE/],
    [
      { CA_IMPORT_CERTIFICATE_FILE: '/nowhere/ca.crt', CA_IMPORT_KEY_FILE: '/nowhere/ca.key' },
      /CA_IMPORT|\/nowhere/,
    ],
    [{ CONFIG_FILE: '/nowhere/config.yaml' }, /CONFIG_FILE/],
    [{ PROFILES_FILE: '/nowhere/profiles.yaml' }, /PROFILES_FILE|\/nowhere/],
    [{ KUBERNETES: 'kubeconfig' }, /KUBERNETES_CONTEXT/],
    [{ ADMIN_TOKEN: 'hush-hush' }, /ADMIN_TOKEN/],
    [{ CRL_VALIDTY: 'P1D' }, /CRL_VALIDTY.*CRL_VALIDITY/],
    [{ DATABASE_URL: 'postgresql://ica:hush-hush@127.0.0.1:1/ica' }, /database is not reachable/],
    // The last, since they come as far as making the CA.
    [{ PORT: new URL(busy.url).port }, /HOST and PORT: .*address already in use/],
    [{ HOST: '192.0.2.1' }, /HOST and PORT: .*192\.0\.2\.1/],
  ];
  for (const [env, expected] of cases) {
    const said = await refusal({ DATABASE_URL: url, DATA_DIR: busy.dataDirectory, ...env }).catch(
      (error: unknown) => {
        throw new Error(JSON.stringify(env), { cause: error });
      },
    );
    assert.match(said, expected);
    assert.doesNotMatch(said, /hush-hush/);
  }
});

test('a schema that is newer than the program is refused', async (t) => {
  const { url, db } = await createTestDatabase(t);
  await db.query({ text: "insert into schema_version (version, name) values (9999, 'of the future')" });
  assert.match(await refusal({ DATABASE_URL: url, DATA_DIR: '/nowhere' }), /schema version 9999, newer than/);
});

test('with the key in a Secret and no API server there is no start, and no second CA', async (t) => {
  const { url, db } = await createTestDatabase(t);
  const { api, env } = await startServiceCluster(t);
  await api.stop();
  const wanted = { DATABASE_URL: url, DATA_DIR: '/nowhere', CA_KEY_STORE: 'secret', ...env };
  assert.match(await refusal(wanted), /Kubernetes/);
  assert.deepEqual(await db.query({ text: 'select name from authorities' }), []);
});

test('SIGTERM: no new connections, what is in flight is answered, and the process ends with 0', async (t) => {
  const { url } = await createTestDatabase(t);
  const service = await startTestService(t, { databaseUrl: url });
  const { pem } = await makeCsr();
  const body = JSON.stringify({ csr: pem });
  const socket = await openRequest(service.url, service.adminToken, body.length);
  const stopped = service.stop();
  // The signal has been handled when new connections are refused; the request that had begun goes on.
  await refusesConnections(service.url);
  socket.write(body);
  const answer = await everything(socket);
  assert.match(answer, /^HTTP\/1\.1 201 /);
  assert.equal(await stopped, 0);
});

test('SIGTERM in the middle of the start: it is finished, and the process ends in order', async (t) => {
  const { url } = await createTestDatabase(t);
  const service = await spawnService({
    ...{ PORT: '0', KUBERNETES: 'off', DATABASE_URL: url, DATA_DIR: await ownDirectory(t) },
  });
  const hasSaid = (what: string) =>
    service.log.some(
      (line) => typeof line === 'object' && line !== null && 'msg' in line && line.msg === what,
    );
  await eventually(() => assert.ok(hasSaid('the revocations were read')));
  assert.ok(!hasSaid('ready'));
  service.signal('SIGTERM');
  const { code, signal, stderr } = await service.ended;
  assert.deepEqual([code, signal, stderr], [0, null, '']);
  assert.ok(hasSaid('stopped'));
});

test('SIGTERM while the start waits for a database that says nothing: it does not wait on', async (t) => {
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const sockets: Socket[] = [];
  const asked = new Promise<void>((resolve) => {
    silent.on('connection', (socket) => {
      sockets.push(socket);
      resolve();
    });
  });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
  const { port } = silent.address() as AddressInfo;
  const service = await spawnService({
    ...{ PORT: '0', KUBERNETES: 'off', DATA_DIR: await ownDirectory(t) },
    ...{ DATABASE_URL: `postgresql://ica@127.0.0.1:${port}/ica`, DATABASE_CONNECT_TIMEOUT: 'PT1M' },
  });
  await asked;
  service.signal('SIGTERM');
  assert.equal((await service.ended).code, 1);
  assert.match(JSON.stringify(service.log), /stopped before the start was over/);
});

test('SIGTERM with a delay: load balancers see it first, and requests are still served', async (t) => {
  const { url } = await createTestDatabase(t);
  const service = await startTestService(t, { databaseUrl: url, env: { HTTP_DRAIN_DELAY: 'PT2S' } });
  const stopped = service.stop();
  for (;;) {
    const { status } = await service.call('GET', '/readyz', { token: null });
    if (status === 503) break;
    assert.equal(status, 200);
  }
  assert.equal((await service.call('GET', '/crl/internal-ca.crl', { token: null })).status, 200);
  const { pem } = await makeCsr();
  const late = await service.call('POST', '/v1/certificates', { body: { csr: pem } });
  assert.ok(late.status === 201 || late.text('type').endsWith('draining'), late.body.toString());
  assert.equal(await stopped, 0);
});

/** `nobody` on Debian, and of the containers. */
const ordinaryUser = 65_534;

test('with everything of its own, the service starts, stops and starts again', (t) => startTwice(t, {}));

test('the same as an ordinary user, when the tests run as root', async (t) => {
  // As an ordinary user the test above has been that.
  if (process.getuid?.() !== 0) return;
  if (!canRead(ordinaryUser)) {
    t.skip(
      `uid ${ordinaryUser} cannot read ${mainProgram}: check the project out where everybody may read it`,
    );
    return;
  }
  await startTwice(t, { uid: ordinaryUser });
});

async function startTwice(t: TestContext, options: TestServiceOptions): Promise<void> {
  const service = await startTestService(t, options);
  const { pem } = await makeCsr();
  const issued = await service.call('POST', '/v1/certificates', { body: { csr: pem } });
  assert.equal(issued.status, 201, issued.body.toString());
  assert.equal(await service.stop(), 0);
  await service.restart();
  const again = await service.call('GET', `/v1/certificates/${issued.text('serial')}`);
  assert.equal(again.text('certificate'), issued.text('certificate'));
  await assertPrivate(service.dataDirectory, ['admin-token', 'keys']);
  for (const name of await readdir(join(service.dataDirectory, 'keys')))
    await assertPrivate(join(service.dataDirectory, 'keys'), [name]);
}

/** Nobody but the owner may read these. */
async function assertPrivate(directory: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const { mode } = await stat(join(directory, name));
    assert.equal(mode & 0o077, 0, `${name} has mode ${(mode & 0o777).toString(8)}`);
  }
}

function canRead(uid: number): boolean {
  try {
    execFileSync(process.execPath, ['--check', mainProgram], { uid, gid: uid, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Sends the head of a request and waits until the server has taken it: it asks for the body. */
async function openRequest(url: string, token: string, length: number): Promise<Socket> {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(
    `POST /v1/certificates HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${length}\r\nExpect: 100-continue\r\n\r\n`,
  );
  const first = await new Promise<Buffer>((resolve, reject) => {
    socket.once('data', resolve);
    socket.once('error', reject);
  });
  assert.match(first.toString(), /^HTTP\/1\.1 100 Continue/);
  return socket;
}

async function refusesConnections(url: string): Promise<void> {
  const { hostname, port } = new URL(url);
  const connects = (): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect(Number(port), hostname);
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
      socket.once('close', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
  while (await connects());
}

async function everything(socket: Socket): Promise<string> {
  let text = '';
  for await (const bytes of socket) text += String(bytes);
  return text;
}
