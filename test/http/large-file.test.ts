import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { get as getPlain, type IncomingMessage, type RequestOptions } from 'node:http';
import { get as getByTls } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { buildHttpApp } from '../../src/http/app.ts';
import { readTlsIdentity } from '../../src/http/tls-identity.ts';
import { createTlsListener } from '../../src/http/tls-listener.ts';
import { eventually } from '../support/eventually.ts';
import { mountTlsSecret, serverIdentity } from '../support/tls-files.ts';
import { fakeParts } from './fake-parts.ts';

/** The CRL of a million entries: 40 MB, half of them random. */
const der = Buffer.concat([randomBytes(20_000_000), Buffer.alloc(20_000_000)]);
const sha256 = createHash('sha256').update(der).digest('hex');
const path = '/crl/internal-ca.crl';

interface Served {
  readonly ask: (headers?: Record<string, string>) => Promise<IncomingMessage>;
  /** How much waits in the server for its clients, each. */
  readonly waiting: () => number[];
}

async function serve(t: TestContext, scheme: 'http' | 'https'): Promise<Served> {
  const parts = fakeParts();
  const crl = { ...(await parts.crls.current('internal-ca')), der, sha256 };
  const identity = await serverIdentity('large');
  const tls =
    scheme === 'http'
      ? undefined
      : createTlsListener(await readTlsIdentity(await mountTlsSecret(t, identity)));
  const app = await buildHttpApp({ ...parts, crls: { current: async () => crl } }, tls);
  const sockets: Socket[] = [];
  app.server.on(scheme === 'http' ? 'connection' : 'secureConnection', (socket: Socket) =>
    sockets.push(socket),
  );
  await app.listen({ host: '127.0.0.1', port: 0 });
  t.after(async () => {
    app.server.closeAllConnections();
    await app.close();
  });
  const address: AddressInfo | string | null = app.server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const target: RequestOptions = { host: '127.0.0.1', port: address.port, path, agent: false };
  const ask: Served['ask'] = async (headers = {}) => {
    const request =
      scheme === 'http'
        ? getPlain({ ...target, headers })
        : getByTls({ ...target, headers, ca: identity.certificatePem });
    const [answer]: IncomingMessage[] = await once(request, 'response');
    assert.ok(answer);
    return answer;
  };
  return { ask, waiting: () => sockets.map(({ writableLength }) => writableLength) };
}

for (const scheme of ['http', 'https'] as const) {
  test(`40 MB to clients that do not read, by ${scheme}: no copies, and others are served`, async (t) => {
    const { ask, waiting } = await serve(t, scheme);
    const before = process.memoryUsage().rss;
    const readers = await Promise.all(Array.from({ length: 10 }, () => ask()));
    for (const reader of readers) assert.equal(reader.headers['content-length'], String(der.length));
    let longest = 0;
    let last = process.threadCpuUsage();
    const watch = setInterval(() => {
      const { user, system } = process.threadCpuUsage(last);
      last = process.threadCpuUsage();
      longest = Math.max(longest, (user + system) / 1000);
    }, 1);
    const whole = await buffer(await ask());
    clearInterval(watch);
    assert.ok(whole.equals(der));
    // A file that is given to the connection whole waits there whole.
    const most = Math.max(...waiting());
    assert.ok(most < 1_000_000, `${most} octets wait for one client`);
    const grown = (process.memoryUsage().rss - before) / 2 ** 20;
    t.diagnostic(
      `${grown.toFixed(0)} MiB more, clients included; longest stall ${longest.toFixed(1)} ms of CPU`,
    );
    // A reader that has waited gets the same octets.
    const late = readers[0];
    assert.ok(late);
    assert.ok((await buffer(late)).equals(der));
  });
}

test('a client that goes away in the middle holds up nobody', async (t) => {
  const { ask } = await serve(t, 'http');
  const gone = await ask();
  gone.destroy();
  assert.ok((await buffer(await ask({ range: 'bytes=39999990-' }))).equals(der.subarray(39_999_990)));
});

test('a large file is compressed off the event loop, once for all who ask', async (t) => {
  const { ask } = await serve(t, 'http');
  const answers = await Promise.all([1, 2, 3].map(() => ask({ 'accept-encoding': 'gzip' })));
  const bodies = await Promise.all(answers.map((answer) => buffer(answer)));
  assert.ok(bodies[0] && bodies.every((body) => bodies[0]?.equals(body)));
  assert.ok(gunzipSync(bodies[0]).equals(der));
});

test('what was broken off is fetched from there on', async (t) => {
  const { ask } = await serve(t, 'http');
  const first = await ask();
  const chunks: Buffer[] = [];
  let length = 0;
  await eventually(async () => {
    const chunk: Buffer | null = first.read();
    if (chunk !== null) {
      chunks.push(chunk);
      length += chunk.length;
    }
    assert.ok(length > 1_000_000);
  });
  first.destroy();
  const rest = await ask({ range: `bytes=${length}-`, 'if-range': String(first.headers.etag) });
  assert.equal(rest.statusCode, 206);
  assert.ok(Buffer.concat([...chunks, await buffer(rest)]).equals(der));
});
