import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { loadConfig } from '../../src/config/config.ts';
import { Fault } from '../../src/fault.ts';
import { buildPublicApp } from '../../src/http/app.ts';
import type { CurrentCrl } from '../../src/revocation/crl-files.ts';
import { type CrlShard, createCrlShards } from '../../src/revocation/crl-shards.ts';
import { type CrlOptions, signCrl } from '../../src/revocation/sign-crl.ts';
import type { SeenPlace } from '../../src/store/published-places.ts';
import type { Content, WatchedPlace } from '../../src/watchdog/content.ts';
import { createWatchedAddresses } from '../../src/wiring/watched-addresses.ts';
import { encodeRevokedEntry } from '../../src/x509/crl.ts';
import { shardOf } from '../../src/x509/crl-shard.ts';
import { fakeParts } from '../http/fake-parts.ts';
import { hour, type Published, pemOf, publishedBy, start } from './published.ts';

/** The public port as it is, with a CRL that is divided in four, and what looks at its addresses. */

const publicUrl = 'https://ca.example/pki/';
const name = 'internal-ca';
const count = 4;
const never = AbortSignal.any([]);
const serials = Array.from({ length: 60 }, (_, at) => Buffer.alloc(16, 0x11 + at));

async function setUp(t: TestContext, env: Record<string, string> = {}) {
  const published = await publishedBy();
  const { authority, watched } = published;
  const crl = await crlOf(published, 7n, serials);
  const delta = await crlOf(published, 7n, [], { deltaBase: 6n });
  const state = {
    crl: { ...crl, delta: { ...delta, baseNumber: 6n } } as CurrentCrl,
    held: crl as CurrentCrl | undefined,
    hasDelta: true,
    recorded: [] as Pick<SeenPlace, 'place' | 'finding'>[],
    /** In place of what is really made. */
    make: undefined as ((count: number, index: number) => Promise<CrlShard>) | undefined,
  };
  const crls = { current: async () => state.crl };
  const shards = createCrlShards({ crls, authorities: { get: () => authority }, publicUrl });
  const app = await buildPublicApp({
    ...fakeParts(),
    crls,
    crlShards: { current: (of, ...part) => state.make?.(...part) ?? shards.current(of, ...part) },
  });
  t.after(() => app.close());
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const config = loadConfig({
    ...{ DATA_DIR: '/nowhere', KUBERNETES: 'off', PUBLIC_URL: publicUrl },
    ...{ CRL_SHARDS: `${count}`, CRL_DELTA: 'on' },
    ...env,
  });
  const addresses = createWatchedAddresses(config, {
    authorities: [watched],
    expectation: { hasDelta: () => state.hasDelta },
    store: { list: async () => state.recorded.map((seen) => ({ ...seen, at: new Date(start) })) },
    held: () => state.held,
    graceSeconds: { own: 60, elsewhere: 360 },
    firstPart: 0,
  });
  const here = addresses.servedHere(url);
  return {
    ...{ published, addresses, here, state, url },
    /** What is read in the next round at our own port, the complete CRL aside; all of it is doubted unless it is content. */
    async round(): Promise<Record<string, Content>> {
      const found: Record<string, Content> = {};
      for (const place of here.turn()) {
        const content = await place.look(never);
        if (content.kind !== 'content') place.doubt();
        found[place.id] = content;
      }
      return found;
    },
  };
}

const idsOf = (places: readonly WatchedPlace[]) => places.map(({ id }) => id);
const ownDelta = `self:/crl/${name}/delta.crl`;
const ownPart = (index: number) => `self:/crl/${name}/shards/${count}/${index}.crl`;
const at = (path: string) => `url:https://ca.example/pki/crl/${path}`;

test('at our own port: what decides whether we are ready, the delta, and one part after the other', async (t) => {
  const { here, round, state } = await setUp(t);
  assert.deepEqual(idsOf(here.needed), [`self:/crl/${name}.crl`]);
  for (let time = 0; time < 6; time += 1) {
    const found = await round();
    assert.deepEqual(Object.keys(found), [ownDelta, ownPart(time % count)]);
    for (const content of Object.values(found))
      assert.partialDeepStrictEqual(content, { kind: 'content', crls: [{ authority: name, number: 7n }] });
  }
  const { delta: _, ...first } = state.crl;
  state.crl = first;
  assert.partialDeepStrictEqual((await round())[ownDelta], { kind: 'missing' });
  state.hasDelta = false;
  assert.deepEqual((await round())[ownDelta], { kind: 'gone' });
});

test('whoever listens at every address is looked at on the loopback', async (t) => {
  const { addresses, url } = await setUp(t);
  const { port } = new URL(url);
  for (const [listening, seen] of [
    [`http://0.0.0.0:${port}`, 'http://127.0.0.1'],
    [`http://[::]:${port}`, 'http://[::1]'],
  ] as const) {
    const [place] = addresses.servedHere(listening).needed;
    assert.equal(place?.id, `self:/crl/${name}.crl`);
    // Nobody listens at the other one here.
    const look = place
      ?.look(never)
      .then(({ kind }) => kind)
      .catch((error: Error) => error.message);
    assert.match(
      (await look) ?? '',
      seen.includes('[') ? /not reachable \((ECONNREFUSED|EADDRNOTAVAIL)\)/ : /^content$/,
    );
  }
});

test('where relying parties fetch: the part of each round, and WATCHDOG_PUBLIC_URL turns it off', async (t) => {
  const { addresses } = await setUp(t, { WATCHDOG_URLS: 'http://mirror.example/x.crl?token=hunter2' });
  const mirror = 'url:http://mirror.example/x.crl';
  const complete = [at(`${name}.crl`), at(`${name}/delta.crl`)];
  for (const index of [0, 1, 2, 3, 0])
    assert.deepEqual(idsOf(addresses.elsewhere()), [
      ...complete,
      at(`${name}/shards/4/${index}.crl`),
      mirror,
    ]);
  const off = await setUp(t, { WATCHDOG_PUBLIC_URL: 'off' });
  assert.deepEqual(off.addresses.elsewhere(), []);
  assert.deepEqual(
    Object.keys(await off.round()),
    [ownDelta, ownPart(0)],
    'our own port is looked at all the same',
  );
  const none = await setUp(t, { CRL_SHARDS: '0', CRL_DELTA: 'off' });
  assert.deepEqual(idsOf(none.addresses.elsewhere()), [at(`${name}.crl`)]);
  assert.deepEqual(none.here.turn(), []);
});

test('a part that the leader of before has told of is read first', async (t) => {
  const { addresses, state } = await setUp(t);
  const faulty = at(`${name}/shards/4/2.crl`);
  state.recorded = [
    { place: faulty, finding: 'behind' },
    { place: at(`${name}/shards/4/3.crl`), finding: 'current' },
    { place: at(`${name}/shards/8/1.crl`), finding: 'broken' },
  ];
  await addresses.refresh();
  const parts = idsOf(addresses.elsewhere()).filter((id) => id.includes('/shards/'));
  assert.deepEqual(parts, [faulty, at(`${name}/shards/4/0.crl`)]);
});

test('a part that cannot be signed is missing, and stays so until it can', async (t) => {
  const { round, state } = await setUp(t);
  state.make = async () => {
    throw new Fault('key-unavailable', 'The token is out.');
  };
  const missing: Content = { kind: 'missing', detail: 'the answer has status 503' };
  assert.deepEqual((await round())[ownPart(0)], missing);
  state.make = undefined;
  const found = await round();
  assert.deepEqual(Object.keys(found), [ownDelta, ownPart(0), ownPart(1)]);
  assert.equal(found[ownPart(0)]?.kind, 'content');
  assert.deepEqual(Object.keys(await round()), [ownDelta, ownPart(2)]);
  state.make = async () => {
    throw new Fault('crl-not-offered', 'There is none.');
  };
  assert.partialDeepStrictEqual((await round())[ownPart(3)], {
    kind: 'missing',
    detail: 'the answer has status 404',
  });
});

test('a part that is wrongly divided, of another scope, or signed by another is broken', async (t) => {
  const { state, round, published } = await setUp(t);
  const stranger = await publishedBy();
  const scope = { distributionPoint: `https://ca.example/pki/crl/${name}/shards/${count}/0.crl` };
  const listed = serials.filter((serial) => shardOf(serial, count) === 0);
  const foreign = serials.find((serial) => shardOf(serial, count) === 1) ?? Buffer.of(1);
  assert.ok(listed.length > 5);
  const cases: readonly (readonly [string, CrlShard, RegExp])[] = [
    ['one lacks', await crlOf(published, 7n, listed.slice(1), scope), /does not list \w{32} as/],
    ['one too many', await crlOf(published, 7n, [...listed, foreign], scope), /more than the whole/],
    ['nobody', await crlOf(published, 7n, [], scope), /does not list/],
    ['the whole', await crlOf(published, 7n, serials), /no part of a CRL/],
    ['a delta', await crlOf(published, 7n, [], { deltaBase: 6n }), /no part of a CRL/],
    [
      'a part of a delta',
      await crlOf(published, 7n, listed, { ...scope, deltaBase: 6n }),
      /no part of a CRL/,
    ],
    [
      "another part's scope",
      await crlOf(published, 7n, listed, {
        distributionPoint: scope.distributionPoint.replace('0.crl', '1.crl'),
      }),
      /its IssuingDistributionPoint is not https:.*4\/0\.crl alone/,
    ],
    ["another CA's", await crlOf(stranger, 7n, listed, scope), /not signed by the key/],
  ];
  for (const [what, shard, why] of cases) {
    state.make = async () => shard;
    const content = (await round())[ownPart(0)];
    assert.equal(content?.kind, 'broken', what);
    assert.match(content.detail, why, what);
  }
  const good = await crlOf(published, 7n, listed, scope);
  for (const octets of [
    good.der.with(good.der.length - 1, (good.der.at(-1) ?? 0) ^ 1),
    good.der.subarray(1),
  ]) {
    state.make = async () => ({ ...good, der: Buffer.from(octets) });
    assert.equal((await round())[ownPart(0)]?.kind, 'broken');
  }
  state.make = async () => good;
  assert.equal((await round())[ownPart(0)]?.kind, 'content');
});

test('an older part, as caches have it, is judged by its number: the whole of that number is gone', async (t) => {
  const { state, round, published } = await setUp(t);
  state.held = await crlOf(published, 8n, serials.slice(1));
  assert.partialDeepStrictEqual((await round())[ownPart(0)], { kind: 'content', crls: [{ number: 7n }] });
  state.held = undefined;
  assert.partialDeepStrictEqual((await round())[ownPart(1)], { kind: 'content', crls: [{ number: 7n }] });
  state.held = await crlOf(published, 7n, []);
  assert.equal((await round())[ownPart(2)]?.kind, 'broken');
});

/** A CRL of these, unless `options` make it less than that. */
async function crlOf(
  { authority }: Published,
  number: bigint,
  listed: readonly Buffer[],
  options: CrlOptions = {},
): Promise<CurrentCrl & CrlShard> {
  const head = { number, thisUpdate: new Date(start), nextUpdate: new Date(start + 10 * hour) };
  const entries = listed.map((serial) => encodeRevokedEntry({ serial, revocationDate: new Date(start) }));
  const der = Buffer.concat(await signCrl(authority, head, [Buffer.concat(entries)], options));
  const sha256 = createHash('sha256').update(der).digest('hex');
  return { ...head, der, sha256, version: sha256, pem: async () => pemOf(der), entryCount: listed.length };
}
