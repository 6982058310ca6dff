import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connectKubernetes } from '../../src/kubernetes/connect.ts';
import { copyLabels } from '../../src/publication/copy-metadata.ts';
import { type ClusterPlacesOptions, createClusterPlaces } from '../../src/watchdog/cluster-places.ts';
import { createCopyReader } from '../../src/watchdog/read-copy.ts';
import { startApiServer } from '../support/kubernetes/server.ts';
import { pemOf, publishedBy } from './published.ts';

const name = 'internal-ca';
const never = AbortSignal.any([]);

async function setUp(t: TestContext, options: Partial<ClusterPlacesOptions> = {}) {
  const server = await startApiServer({ namespaces: ['internal-ca', 'shop', 'blog', 'edge'] });
  const directory = mkdtempSync(join(tmpdir(), 'internal-ca-watchdog-'));
  const path = join(directory, 'kubeconfig');
  writeFileSync(path, server.kubeconfig());
  const api = await connectKubernetes({ connection: { mode: 'kubeconfig', path }, requestTimeoutMs: 2_000 });
  t.after(async () => {
    api.close();
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });
  const published = await publishedBy();
  const caCrl = pemOf(await published.crl(7n));
  const wishes = { enforced: ['shop'], withoutCrl: [] as string[], cannotBe: [] as string[] };
  const places = createClusterPlaces({
    api,
    owner: 'internal-ca/internal-ca',
    secretName: name,
    namespaces: [],
    wishes: {
      refresh: async () => undefined,
      enforced: () => wishes.enforced,
      withoutCrl: (namespace) => wishes.withoutCrl.includes(namespace),
      cannotBe: (id) => wishes.cannotBe.includes(id),
    },
    authorities: [{ name }],
    graceSeconds: 60,
    reader: createCopyReader([published.watched]),
    ...options,
  });
  return {
    ...{ server, wishes, places },
    put(namespace: string, o: { kind?: string; caCrl?: Buffer; labels?: object; owner?: string } = {}): void {
      const kind = o.kind ?? 'Secret';
      const text = (value: Buffer) => value.toString(kind === 'Secret' ? 'base64' : 'utf8');
      const crl = o.caCrl ?? caCrl;
      server.put({
        apiVersion: 'v1',
        kind,
        metadata: {
          ...{ namespace, name, labels: { ...(o.labels ?? copyLabels) } },
          annotations: { 'internal-ca.io/owner': o.owner ?? 'internal-ca/internal-ca' },
        },
        data: {
          'ca.crt': text(published.caCrt),
          ...(kind === 'Secret' && crl.length > 0 ? { 'ca.crl': text(crl) } : {}),
        },
      });
    },
    /** What every place is said to hold. */
    async look(): Promise<Record<string, string>> {
      const found = await places.all();
      const pairs = found.map(async (place) => {
        const content = await place.look(never).catch((error: Error) => ({ kind: 'unread', error }));
        const { crlsOf, mayHaveCrls } = place.wanted();
        return [
          place.id,
          `${content.kind}${crlsOf.length > 0 && mayHaveCrls ? '' : ', no CRL wanted'}`,
        ] as const;
      });
      return Object.fromEntries(await Promise.all(pairs));
    },
    reads: () => server.calls.filter(({ verb }) => verb === 'get').map(({ namespace }) => namespace),
  };
}

const secret = (namespace: string) => `secret:${namespace}/${name}`;

test("the copies that should be there, and ours that still are; nobody else's", async (t) => {
  const { put, look, wishes } = await setUp(t, { namespaces: ['edge', 'nowhere'] });
  for (const namespace of ['internal-ca', 'shop']) put(namespace);
  put('blog');
  wishes.cannotBe = [secret('nowhere')];
  assert.deepEqual(await look(), {
    [secret('internal-ca')]: 'content',
    [secret('edge')]: 'missing',
    [secret('shop')]: 'content',
    [secret('blog')]: 'content',
  });
  put('blog', { owner: 'other/other' });
  put('edge', { labels: {}, caCrl: Buffer.from('foreign') });
  wishes.enforced = [];
  assert.deepEqual(await look(), {
    [secret('internal-ca')]: 'content',
    [secret('edge')]: 'broken',
    [secret('shop')]: 'content',
  });
});

test('whether a copy is missed is known at each look, and not from the last list', async (t) => {
  const { put, look, places, wishes, server } = await setUp(t);
  for (const namespace of ['internal-ca', 'shop']) put(namespace);
  await look();
  server.remove('v1', 'Secret', 'shop', name);
  const shop = (await places.all()).find(({ id }) => id === secret('shop'));
  const kindAgain = async () => (await shop?.look(never))?.kind;
  assert.equal(await kindAgain(), 'missing');
  wishes.cannotBe = [secret('shop')];
  assert.equal(await kindAgain(), 'gone');
  wishes.cannotBe = [];
  assert.equal(await kindAgain(), 'missing');
  wishes.enforced = [];
  assert.equal(await kindAgain(), 'gone');
});

test('a copy without a CRL by decision, ConfigMaps, and the bundle', async (t) => {
  const { put, look, wishes } = await setUp(t, { configMapName: name, clusterTrustBundleName: name });
  for (const namespace of ['internal-ca', 'shop']) put(namespace);
  put('shop', { caCrl: Buffer.alloc(0) });
  put('shop', { kind: 'ConfigMap' });
  wishes.withoutCrl = ['shop'];
  const expected = {
    [secret('internal-ca')]: 'content',
    [secret('shop')]: 'content, no CRL wanted',
    [`configmap:internal-ca/${name}`]: 'missing, no CRL wanted',
    [`configmap:shop/${name}`]: 'content, no CRL wanted',
    [`clustertrustbundle:${name}`]: 'missing, no CRL wanted',
  };
  assert.deepEqual(await look(), expected);
});

test('a selector names namespaces', async (t) => {
  const { put, look, server } = await setUp(t, { namespaceSelector: 'ca=yes' });
  for (const namespace of ['internal-ca', 'shop']) put(namespace);
  const labels = { ca: 'yes' };
  server.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'blog', labels } });
  assert.equal((await look())[secret('blog')], 'missing');
  server.interfere(({ type }) => (type.plural === 'namespaces' ? { status: 503 } : undefined));
  assert.equal((await look())[secret('blog')], 'missing', 'while they cannot be listed, those of before');
  server.interfere(() => undefined);
  const status = { phase: 'Terminating' };
  server.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'blog', labels }, status });
  assert.equal((await look())[secret('blog')], undefined);
});

test('a cluster without bundles lacks none', async (t) => {
  const { look, server } = await setUp(t, { clusterTrustBundleName: name });
  server.serveClusterTrustBundles('off');
  assert.equal((await look())[`clustertrustbundle:${name}`], 'gone, no CRL wanted');
});

test('an object that has not changed is not read again; one that has, and one in doubt, is', async (t) => {
  const { put, look, places, reads, server } = await setUp(t);
  for (const namespace of ['internal-ca', 'shop']) put(namespace);
  await look();
  assert.deepEqual(reads().sort(), ['internal-ca', 'shop']);
  server.calls.length = 0;
  await look();
  await look();
  assert.deepEqual(reads(), []);
  put('shop', { caCrl: Buffer.from('somebody was here') });
  assert.equal((await look())[secret('shop')], 'broken');
  assert.deepEqual(reads(), ['shop']);
  for (const place of await places.all()) place.doubt();
  server.calls.length = 0;
  await look();
  assert.equal(reads().length, 2);
  // A second look within a round has no list to go by.
  const [own] = await places.own();
  assert.equal((await own?.look(never))?.kind, 'content');
  server.remove('v1', 'Secret', 'internal-ca', name);
  assert.equal((await own?.look(never))?.kind, 'missing');
});

test('while the API server is away every place that is known stays, and cannot be read', async (t) => {
  const { put, look, server } = await setUp(t, { namespaces: ['edge'] });
  // That of the blog is ours, and nobody wants it any more.
  for (const namespace of ['internal-ca', 'shop', 'edge', 'blog']) put(namespace);
  await look();
  await server.stop();
  const unread = {
    [secret('internal-ca')]: 'unread',
    [secret('edge')]: 'unread',
    [secret('shop')]: 'unread',
    [secret('blog')]: 'unread',
  };
  for (let round = 0; round < 2; round += 1) assert.deepEqual(await look(), unread);
});

test('a namespace that may not be looked at, as its rights went with it, hides no other', async (t) => {
  const visibleNamespaces = ['internal-ca', 'shop', 'edge'];
  const { put, look, places, server } = await setUp(t, { visibleNamespaces, namespaces: ['edge'] });
  for (const namespace of visibleNamespaces) put(namespace);
  await look();
  server.interfere(({ namespace }) => (namespace === 'edge' ? { status: 403 } : undefined));
  put('shop', { caCrl: Buffer.from('somebody was here') });
  assert.deepEqual(await look(), {
    [secret('internal-ca')]: 'content',
    [secret('edge')]: 'unread',
    [secret('shop')]: 'broken',
  });
  const own = async () => (await places.own()).map(({ id }) => id);
  assert.deepEqual(await own(), [secret('internal-ca')]);
  server.interfere(() => ({ status: 429 }));
  assert.deepEqual(await own(), [secret('internal-ca')], 'nor does it show another');
});

test('without rights elsewhere only the namespaces that may be looked at are', async (t) => {
  const { put, places, server } = await setUp(t, { visibleNamespaces: ['internal-ca', 'shop'] });
  for (const namespace of ['internal-ca', 'shop', 'blog']) put(namespace);
  server.calls.length = 0;
  assert.deepEqual(
    (await places.all()).map(({ id }) => id),
    [secret('internal-ca'), secret('shop')],
  );
  assert.ok(server.calls.every(({ namespace }) => namespace !== undefined));
});
