import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectPlain, type Server, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { buildHttpApp } from '../../src/http/app.ts';
import { readTlsIdentity } from '../../src/http/tls-identity.ts';
import { createTlsListener, type TlsListener } from '../../src/http/tls-listener.ts';
import { startTlsReload } from '../../src/http/tls-reload.ts';
import { eventually } from '../support/eventually.ts';
import { type HttpsAnswer, httpsGet } from '../support/https-get.ts';
import {
  type MountedSecret,
  mountTlsSecret,
  type ServerIdentity,
  serverIdentity,
} from '../support/tls-files.ts';
import { type FakeOptions, fakeParts } from './fake-parts.ts';

interface Served {
  readonly port: number;
  readonly identity: ServerIdentity;
  readonly files: MountedSecret;
  readonly listener: TlsListener;
  readonly server: Server;
  readonly close: () => Promise<void>;
}

async function serve(t: TestContext, change: FakeOptions = {}): Promise<Served> {
  const identity = await serverIdentity('first');
  const files = await mountTlsSecret(t, identity);
  const listener = createTlsListener(await readTlsIdentity(files));
  const app = await buildHttpApp(fakeParts(change), listener);
  t.after(() => app.close());
  await app.listen({ host: '127.0.0.1', port: 0 });
  const address = app.server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return { port: address.port, identity, files, listener, server: app.server, close: () => app.close() };
}

/** A TLS connection, after the handshake. */
async function handshake(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
  await once(socket, 'secureConnect');
  // A server that closes may reset what the test has ended itself.
  socket.on('error', () => undefined);
  return socket;
}

function commonNameOf(socket: TLSSocket): string {
  const certificate = socket.getPeerX509Certificate();
  assert.ok(certificate instanceof X509Certificate);
  return certificate.subject;
}

async function served(port: number): Promise<string> {
  const socket = await handshake(port);
  socket.end();
  return commonNameOf(socket);
}

function get(port: number, path: string, ca: string): Promise<HttpsAnswer> {
  return httpsGet(`https://127.0.0.1:${port}${path}`, ca);
}

test('the whole API is served by TLS, to whoever trusts the certificate', async (t) => {
  const { port, identity } = await serve(t);
  assert.deepEqual(await get(port, '/livez', identity.certificatePem), {
    status: 200,
    body: '{"status":"ok"}',
  });
  assert.equal((await get(port, '/v1/tokens', identity.certificatePem)).status, 401);
  const other = await serverIdentity('other');
  await assert.rejects(get(port, '/livez', other.certificatePem), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
});

test('TLS 1.3 and 1.2 are spoken, 1.1 and ciphers without forward secrecy are not', async (t) => {
  const { port } = await serve(t);
  assert.equal((await handshake(port)).getProtocol(), 'TLSv1.3');
  const older = await handshake(port, { maxVersion: 'TLSv1.2' });
  assert.equal(older.getProtocol(), 'TLSv1.2');
  assert.match(older.getCipher().name, /^ECDHE-.*(GCM|CHACHA20)/);
  await assert.rejects(
    handshake(port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
    { code: /PROTOCOL_VERSION|ECONNRESET/ },
  );
  await assert.rejects(handshake(port, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' }), {
    code: /HANDSHAKE_FAILURE/,
  });
});

test('plain HTTP on the TLS port is refused, and the port goes on', async (t) => {
  const { port } = await serve(t);
  const socket = connectPlain(port, '127.0.0.1');
  socket.write('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n');
  const said = await everything(socket);
  assert.doesNotMatch(said, /200|"status":"ok"/);
  assert.equal(await served(port), 'CN=first');
});

test('a certificate that is exchanged is seen by new connections, and old ones go on', async (t) => {
  const { port, listener, files } = await serve(t);
  const old = await handshake(port);
  await files.swap(await serverIdentity('second'));
  listener.use(await readTlsIdentity(files));
  assert.equal(await served(port), 'CN=second');
  old.write('GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.match(await everything(old), /^HTTP\/1\.1 200 /);
  // What TLS 1.2 and the ciphers were restricted to holds for the new one, too.
  await assert.rejects(handshake(port, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' }));
});

test('new files are taken without a restart, and files that do not match are not', async (t) => {
  const { port, listener, files } = await serve(t);
  const faults: string[] = [];
  const taken: Date[] = [];
  const reload = startTlsReload({
    read: () => readTlsIdentity(files),
    current: await readTlsIdentity(files),
    onChanged(next) {
      listener.use(next);
      taken.push(next.notAfter);
    },
    onFailed: (error) => faults.push(String(error)),
    intervalMilliseconds: 20,
  });
  t.after(() => reload.close());
  const [second, third] = [await serverIdentity('second'), await serverIdentity('third')];
  await files.swap(second);
  await eventually(async () => assert.equal(await served(port), 'CN=second'));
  // Half of the next pair stays there: said once, and the pair before goes on.
  await files.swap({ certificatePem: third.certificatePem });
  await eventually(() => assert.equal(faults.length, 1));
  assert.match(faults[0] ?? '', /TLS_KEY_FILE: .* is not the key of the certificate/);
  assert.equal(await served(port), 'CN=second');
  await files.swap({ keyPem: third.keyPem });
  await eventually(async () => assert.equal(await served(port), 'CN=third'));
  assert.equal(taken.length, 2);
  // The same fault again is a new event.
  await files.swap({ certificatePem: second.certificatePem });
  await eventually(() => assert.equal(faults.length, 2));
});

test('closing waits for no handshake and for no connection that asks nothing', {
  timeout: 60_000,
}, async (t) => {
  const { port, close } = await serve(t, { options: { requestTimeoutMilliseconds: 300_000 } });
  const handshaking = connectPlain(port, '127.0.0.1');
  handshaking.write(Buffer.from('160301', 'hex'));
  const silent = await handshake(port);
  // The server has taken both: a later one has been served.
  assert.equal(await served(port), 'CN=first');
  const ended = Promise.all([everything(handshaking), everything(silent)]);
  await close();
  await ended;
});

test('closing finishes what is in flight on a TLS connection', async (t) => {
  const { port, server, close } = await serve(t);
  const secured = once(server, 'secureConnection');
  const socket = await handshake(port);
  const [accepted] = await secured;
  socket.write('GET /livez HTTP/1.1\r\nHost: a\r\n');
  await eventually(() => assert.ok(accepted.bytesRead > 0));
  const closed = close();
  socket.write('\r\n');
  assert.match(await everything(socket), /^HTTP\/1\.1 503 .*draining/s);
  await closed;
});

// Node's own limit is two minutes: with that, the test is over before.
test('a handshake that does not end is ended after the time of a request', {
  timeout: 60_000,
}, async (t) => {
  const { port } = await serve(t, { options: { requestTimeoutMilliseconds: 300 } });
  await everything(connectPlain(port, '127.0.0.1'));
});

async function everything(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  // However it ends; `once` would take a reset for a failure.
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.on('close', resolve));
  return text;
}
