import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { createProbeIdentities } from '../../../src/enforcement/probe/identities.ts';
import { type Knock, knock } from '../../../src/enforcement/probe/knock.ts';
import { makeAuthority } from '../../support/authority.ts';
import { skipUnless } from '../../support/skip.ts';
import { probeIdentityParts } from './identity-parts.ts';

/** Real sockets, and doors of every temper. */

let server: { readonly cert: string; readonly key: string };

before(async () => {
  // Any certificate will do for the door: the probe does not look at it.
  const { unknown } = await identities();
  server = { cert: unknown.certificate, key: unknown.key };
});

async function listen(t: TestContext, door: Server): Promise<number> {
  const open = new Set<Socket>();
  door.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.on('error', () => undefined).on('close', () => open.delete(socket));
  });
  door.listen(0, '127.0.0.1');
  await once(door, 'listening');
  t.after(() => {
    for (const socket of open) socket.destroy();
    door.close();
  });
  return (door.address() as AddressInfo).port;
}

function ask(port: number, how: Partial<Knock> = {}) {
  const { signal } = new AbortController();
  return knock({
    address: '127.0.0.1',
    port,
    serverName: 'a.example',
    path: '/x',
    timeoutMs: 10_000,
    signal,
    ...how,
  });
}

async function tlsDoor(t: TestContext, options: TlsOptions): Promise<number> {
  const door = createTlsServer({ ...server, ...options }, (socket) => {
    socket.on('error', () => undefined);
    socket.end('HTTP/1.1 204 No Content\r\n\r\n');
  });
  door.on('tlsClientError', () => undefined);
  return listen(t, door);
}

test('the request names the host, asks to close, and follows nothing', async (t) => {
  const asked: string[] = [];
  const door = createServer((socket) => {
    socket.once('data', (data) => {
      asked.push(data.toString());
      socket.end('HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n');
    });
  });
  const answer = await ask(await listen(t, door));
  assert.equal(answer.kind === 'http' && answer.status, 302);
  const [request = '', ...more] = asked;
  assert.deepEqual(more, []);
  assert.match(request, /^GET \/x HTTP\/1\.1\r\nHost: a\.example\r\n/);
  assert.match(request, /\r\nConnection: close\r\n\r\n$/);
});

test('SNI is the host and the application protocol HTTP/1.1', async (t) => {
  const seen: unknown[] = [];
  const door = createTlsServer({ ...server, ALPNProtocols: ['h2', 'http/1.1'] }, (socket) => {
    seen.push(socket.servername, socket.alpnProtocol, socket.isSessionReused());
    socket.end('HTTP/1.1 204 No Content\r\n\r\n');
  });
  const port = await listen(t, door);
  const answer = await ask(port, { tls: {} });
  assert.equal(answer.kind === 'http' && answer.status, 204);
  assert.deepEqual(seen, ['a.example', 'http/1.1', false]);
});

for (const [version, missing] of [
  ['TLSv1.2', 'handshake_failure'],
  ['TLSv1.3', 'certificate_required'],
] as const) {
  test(`${version}: that a certificate is missing is an alert`, async (t) => {
    const { ours, ca } = await identities();
    const only = { minVersion: version, maxVersion: version };
    const port = await tlsDoor(t, { requestCert: true, rejectUnauthorized: true, ca: [ca], ...only });
    assert.deepEqual(await ask(port, { tls: {} }), { kind: 'tls-alert', alert: missing });
    const member = await ask(port, { tls: { identity: ours } });
    assert.equal(member.kind === 'http' && member.status, 204);
  });

  test(`${version}: that OpenSSL does not know the CA is an alert`, async (t) => {
    if (skipUnless(t, 'openssl')) return;
    const { ours, unknown, ca } = await identities();
    const port = await opensslDoor(t, ca, version === 'TLSv1.2' ? '-tls1_2' : '-tls1_3');
    const stranger = await ask(port, { tls: { identity: unknown } });
    assert.equal(stranger.kind, 'tls-alert', JSON.stringify(stranger));
    const member = await ask(port, { tls: { identity: ours } });
    assert.equal(member.kind === 'http' && member.status, 200, JSON.stringify(member));
  });
}

async function identities() {
  const parts = await probeIdentityParts([await makeAuthority(Date.now())]);
  const { ours, unknown } = await createProbeIdentities(parts).of('internal-ca');
  return { ours, unknown, ca: ours.certificate.slice(ours.certificate.indexOf('-----BEGIN', 10)) };
}

/** `openssl s_server`, which lets nobody in without a certificate of that CA. */
async function opensslDoor(t: TestContext, ca: string, version: string): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'internal-ca-s-server-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const files = { 'server.crt': server.cert, 'server.key': server.key, 'ca.crt': ca };
  for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content);
  const options = ['-cert', 'server.crt', '-key', 'server.key', '-CAfile', 'ca.crt', '-Verify', '1'];
  const door = spawn(
    'openssl',
    ['s_server', '-accept', '0', version, '-verify_return_error', '-www', ...options],
    {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  const ended = once(door, 'exit');
  t.after(async () => {
    door.kill();
    await ended;
  });
  let said = '';
  for await (const chunk of door.stdout) {
    said += chunk;
    const port = /^ACCEPT .*:(\d+)$/m.exec(said)?.[1];
    if (port !== undefined) return Number(port);
  }
  throw new Error(`openssl s_server does not listen: ${said}`);
}

test('nobody there', async (t) => {
  const door = createServer();
  const port = await listen(t, door);
  door.close();
  await once(door, 'close');
  assert.deepEqual(await ask(port), { kind: 'refused' });
  assert.deepEqual(await ask(port, { tls: {} }), { kind: 'refused' });
});

test('a door that says nothing', async (t) => {
  const port = await listen(t, createServer());
  assert.deepEqual(await ask(port, { timeoutMs: 50 }), { kind: 'timeout' });
  assert.deepEqual(await ask(port, { timeoutMs: 50, tls: {} }), { kind: 'timeout' });
});

test('a door that begins to answer and falls silent has answered', async (t) => {
  const port = await listen(
    t,
    createServer((socket) => {
      socket.once('data', () =>
        socket.write('HTTP/1.1 400 Bad Request\r\nContent-Length: 100\r\n\r\nNo req'),
      );
    }),
  );
  const answer = await ask(port, { timeoutMs: 2_000 });
  assert.ok(answer.kind === 'http');
  assert.equal(answer.body, 'No req');
});

test('a door that resets', async (t) => {
  const port = await listen(
    t,
    createServer((socket) => {
      socket.once('data', () => socket.resetAndDestroy());
    }),
  );
  assert.deepEqual(await ask(port), { kind: 'reset' });
  assert.deepEqual(await ask(port, { tls: {} }), { kind: 'reset' });
});

test('a door that hangs up', async (t) => {
  const port = await listen(
    t,
    createServer((socket) => {
      socket.once('data', () => socket.end());
    }),
  );
  assert.deepEqual(await ask(port), { kind: 'closed' });
});

test('a door that speaks something else', async (t) => {
  const plain = await listen(
    t,
    createServer((socket) => socket.end('220 mail.example ESMTP\r\n')),
  );
  assert.deepEqual(await ask(plain), { kind: 'malformed' });
  assert.deepEqual(await ask(plain, { tls: {} }), { kind: 'tls-failed' });
});

test('a name that leads nowhere', async () => {
  const answer = await ask(443, { address: 'door.invalid', timeoutMs: 60_000 });
  assert.deepEqual(answer, { kind: 'unresolved' });
});

test('it can be cut short', async (t) => {
  const port = await listen(t, createServer());
  const cut = new AbortController();
  const knocking = ask(port, { signal: cut.signal });
  cut.abort(new Error('the end'));
  await assert.rejects(knocking, /the end/);
  await assert.rejects(ask(port, { signal: cut.signal }), /the end/);
});
