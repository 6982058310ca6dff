import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { readCrl } from '../../src/x509/crl.ts';
import { createTestClock, type TestClock } from '../support/clock.ts';
import { makeCsr } from '../support/csr.ts';
import { createTestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { newAdminToken, startTestService, type TestService } from '../support/service.ts';

/** The real service behind a CDN, at the address that certificates name. The CDN has of some file what a test gives it. */

const count = 4;
const lookMs = 100;
const shards = `/crl/internal-ca/shards/${count}/`;

interface Cdn {
  readonly url: string;
  /** Where the service is. */
  origin: string;
  /** By path, in place of what the service has. */
  readonly wrong: Map<string, { readonly status: number; readonly body: Buffer }>;
  /** How often each path was asked for. */
  readonly asked: Map<string, number>;
}

async function startCdn(t: TestContext): Promise<Cdn> {
  const cdn = { url: '', origin: '', wrong: new Map(), asked: new Map<string, number>() } satisfies Cdn;
  const server = createServer(async ({ url: path = '' }, response) => {
    cdn.asked.set(path, (cdn.asked.get(path) ?? 0) + 1);
    const { status, body } = cdn.wrong.get(path) ?? (await fetchFrom(`${cdn.origin}${path}`));
    response.writeHead(status).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => void server.close());
  cdn.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return cdn;
}

async function fetchFrom(url: string): Promise<{ status: number; body: Buffer }> {
  // The service may not listen yet.
  const answer = await fetch(url).catch(() => undefined);
  if (answer === undefined) return { status: 502, body: Buffer.alloc(0) };
  return { status: answer.status, body: Buffer.from(await answer.arrayBuffer()) };
}

interface Scene {
  readonly cdn: Cdn;
  readonly clock: TestClock;
  readonly service: TestService;
}

async function setScene(t: TestContext): Promise<Scene> {
  const clock = createTestClock();
  const [cdn, { url: databaseUrl }] = await Promise.all([startCdn(t), createTestDatabase(t)]);
  const service = await startTestService(t, {
    ...{ inProcess: true, clock, lookMs, databaseUrl },
    env: {
      ...{ ADMIN_TOKEN: newAdminToken(), PUBLIC_URL: cdn.url },
      ...{ CRL_SHARDS: `${count}`, CRL_DELTA: 'on', CRL_COALESCE: '0' },
    },
  });
  cdn.origin = service.url;
  return { cdn, clock, service };
}

/** @returns the path of the part that the certificate names */
async function issueAndRevoke({ service }: Pick<Scene, 'service'>): Promise<string> {
  const { pem: csr } = await makeCsr();
  const issued = await service.call('POST', '/v1/certificates', { body: { csr } });
  assert.equal(issued.status, 201, issued.body.toString());
  const revoked = await service.call('POST', `/v1/certificates/${issued.text('serial')}/revoke`, {
    body: {},
  });
  assert.equal(revoked.status, 200, revoked.body.toString());
  const der = new X509Certificate(issued.text('certificate')).raw.toString('latin1');
  const [path] = /\/crl\/internal-ca\/shards\/4\/[0-3]\.crl/.exec(der) ?? [];
  assert.ok(path !== undefined);
  return path;
}

async function metrics({ service }: Scene): Promise<string> {
  return (await service.call('GET', '/metrics')).body.toString();
}

async function faults(scene: Scene): Promise<string[]> {
  const text = await metrics(scene);
  return [...text.matchAll(/^internal_ca_published_fault\{place="([^"]+)",finding="([^"]+)"\} 1$/gm)]
    .map(([, place, finding]) => `${place} ${finding}`)
    .sort();
}

async function publishedParts({ service }: Scene) {
  const answer = await service.call('GET', '/v1/publications');
  const { items } = JSON.parse(answer.body.toString()) as { items: { target: string; state: string }[] };
  return items.filter(({ target }) => target.includes('/shards/'));
}

test('every part, and the delta, is read where it is served and where relying parties fetch it', async (t) => {
  const scene = await setScene(t);
  await issueAndRevoke(scene);
  const paths = [
    ...['/crl/internal-ca.crl', '/crl/internal-ca/delta.crl'],
    ...Array.from({ length: count }, (_, index) => `${shards}${index}.crl`),
  ];
  const expected = paths.flatMap((path) => [`self:${path}`, `url:${scene.cdn.url}${path}`]).sort();
  const read = new Set<string>();
  await eventually(async () => {
    const series = /^internal_ca_published_crl_seconds_to_next_update\{place="((?:self|url):[^"]+)"/gm;
    for (const [, place = ''] of (await metrics(scene)).matchAll(series)) read.add(place);
    assert.deepEqual([...read].sort(), expected);
  });
  assert.deepEqual(await faults(scene), []);
});

test('a part that a CDN has wrong is told of until it is mended, while the others have their turn', async (t) => {
  const scene = await setScene(t);
  const { cdn, clock, service } = scene;
  const path = await issueAndRevoke(scene);
  const place = `url:${cdn.url}${path}`;
  const own = (from: string) =>
    eventually(async () => (await service.call('GET', from, { token: null })).body);
  const others = Array.from({ length: count }, (_, index) => `${shards}${index}.crl`).filter(
    (other) => other !== path,
  );
  const older = await own(path);
  const revokedAgain = async () => {
    const { crlNumber } = readCrl(older, { partial: true });
    await issueAndRevoke(scene);
    await eventually(async () =>
      assert.ok(readCrl(await own(path), { partial: true }).crlNumber > crlNumber, 'signed anew'),
    );
  };
  await revokedAgain();
  const newer = await own(path);
  const cases = [
    ['behind', { status: 200, body: older }],
    ['broken', { status: 200, body: newer.with(newer.length - 1, (newer.at(-1) ?? 0) ^ 1) }],
    ['broken', { status: 200, body: await own(others[0] ?? '') }],
    ['broken', { status: 200, body: await own('/crl/internal-ca.crl') }],
    ['missing', { status: 404, body: Buffer.from('hello') }],
  ] as const;
  for (const [finding, wrong] of cases) {
    cdn.wrong.set(path, { ...wrong, body: Buffer.from(wrong.body) });
    await eventually(async () => {
      clock.advance(200);
      assert.deepEqual(await faults(scene), [`${place} ${finding}`]);
    });
    cdn.asked.clear();
    await eventually(() => {
      for (const other of others) assert.ok((cdn.asked.get(other) ?? 0) >= 2, 'the others are read on');
    });
    assert.deepEqual(await faults(scene), [`${place} ${finding}`], 'and none of them takes the fault away');
    await eventually(async () => {
      const states = (await publishedParts(scene)).map(
        ({ target, state }) => `${target === place ? 'it' : 'another'} ${state}`,
      );
      assert.deepEqual(
        states.sort(),
        ['another Current', 'it Failed'],
        'beside it the one that has its turn',
      );
    });
    const ready = (await service.call('GET', '/readyz', { token: null })).body.toString();
    assert.match(ready, /"status":"ready".*"published","required":false,"status":"failing"/);
    cdn.wrong.clear();
    await eventually(async () => assert.deepEqual(await faults(scene), []));
  }
  await eventually(async () =>
    assert.deepEqual(
      (await publishedParts(scene)).map(({ state }) => state),
      ['Current'],
    ),
  );
});

test('what is wrong with a part stays known when the service starts anew', async (t) => {
  const scene = await setScene(t);
  const { cdn, clock, service } = scene;
  const first = `${shards}${Math.floor(clock.now() / lookMs) % count}.crl`;
  let path = first;
  // One that would not be the first to have its turn.
  while (path === first) path = await issueAndRevoke(scene);
  cdn.wrong.set(path, { status: 404, body: Buffer.alloc(0) });
  const told = [`url:${cdn.url}${path} missing`];
  await eventually(async () => {
    clock.advance((2_000 * count * lookMs) / 1_000);
    assert.deepEqual(await faults(scene), told);
  });
  await service.stop();
  cdn.asked.clear();
  await service.restart();
  cdn.origin = service.url;
  await eventually(() => assert.ok(asked().length > 1));
  assert.equal(asked()[0], path);
  await eventually(async () => {
    clock.advance(200);
    assert.deepEqual(await faults(scene), told);
  });

  function asked(): string[] {
    return [...cdn.asked.keys()].filter((each) => each.startsWith(shards));
  }
});
