import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { encodePem } from '../../src/encoding/pem.ts';
import { readCrl } from '../../src/x509/crl.ts';
import { createTestClock, type TestClock } from '../support/clock.ts';
import { makeCsr } from '../support/csr.ts';
import { type RestartableDatabase, restartableDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { type ServiceCluster, startServiceCluster } from '../support/kubernetes/for-service.ts';
import { objectAt, stringAt } from '../support/kubernetes/json.ts';
import { newAdminToken, startTestService, type TestService } from '../support/service.ts';
import { skipUnless } from '../support/skip.ts';
import { openSecondOpinion, type SecondOpinion, type Trust } from './second-opinion.ts';

/**
 * Months of a service's life, with the clock of the test: outages, each a little shorter than CRL_OVERLAP, restarts, revocations.
 * At every step OpenSSL says what each door would do.
 */

const day = 86_400;
const overlapSeconds = 7 * day;
/** Smaller than what is left when the watchdog speaks of lapsing: a healthy step never is. */
const stepSeconds = overlapSeconds * 0.3;
const steps = 56;
const namespaces = ['internal-ca', 'app'];
const revokedError = 23;
const crlExpired = 12;

interface Client {
  readonly serial: string;
  readonly pem: string;
}

interface Scene {
  readonly clock: TestClock;
  readonly database: RestartableDatabase;
  readonly cluster: ServiceCluster;
  readonly service: TestService;
  readonly opinion: SecondOpinion;
  readonly mirror: Mirror;
  /** Let in at every step. */
  readonly good: Client;
  /** Refused as soon as their CRL is there; the latest ones. */
  readonly revoked: Client[];
  /** Events of faults, as they are written. */
  readonly told: string[];
  /** The CRL number seen last, by place. */
  readonly numbers: Map<string, bigint>;
}

/** A web server that has whatever it was given last, as a CDN does. */
interface Mirror {
  readonly url: string;
  octets: Buffer;
}

async function startMirror(t: TestContext): Promise<Mirror> {
  const mirror = { url: '', octets: Buffer.alloc(0) };
  const server = createServer((_request, response) => response.end(mirror.octets));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => void server.close());
  const { port } = server.address() as AddressInfo;
  mirror.url = `http://user:hunter2@127.0.0.1:${port}/mirror.crl`;
  return mirror;
}

async function setScene(t: TestContext, env: Record<string, string> = {}): Promise<Scene> {
  const clock = createTestClock();
  const [cluster, database, mirror] = await Promise.all([
    startServiceCluster(t),
    restartableDatabase(t),
    startMirror(t),
  ]);
  const service = await startTestService(t, {
    inProcess: true,
    clock,
    lookMs: 150,
    databaseUrl: database.url,
    env: {
      ...cluster.env,
      ADMIN_TOKEN: newAdminToken(),
      CRL_VALIDITY: 'P14D',
      CRL_OVERLAP: `PT${overlapSeconds}S`,
      CRL_COALESCE: '0',
      PUBLICATION_NAMESPACES: 'app',
      WATCHDOG_URLS: mirror.url,
      DATABASE_CONNECT_TIMEOUT: '1',
      ...env,
    },
  });
  const told: string[] = [];
  cluster.api.admit('spy', (_call, object) => {
    if (stringAt(object, 'reason') === 'PublishedCopyFaulty') told.push(stringAt(object, 'message') ?? '');
    return undefined;
  });
  const good = await issue(service);
  const opinion = openSecondOpinion(t);
  const scene: Scene = {
    ...{ clock, database, cluster, service, opinion, mirror, good, told },
    revoked: [],
    numbers: new Map(),
  };
  await settle(scene);
  return scene;
}

async function issue(service: TestService): Promise<Client> {
  const { pem: csr } = await makeCsr();
  const answer = await service.call('POST', '/v1/certificates', { body: { csr, validity: 'P365D' } });
  assert.equal(answer.status, 201, answer.body.toString());
  return { serial: answer.text('serial'), pem: answer.text('certificate') };
}

async function revokeOne(scene: Scene): Promise<void> {
  const client = await issue(scene.service);
  const answer = await scene.service.call('POST', `/v1/certificates/${client.serial}/revoke`, { body: {} });
  assert.equal(answer.status, 200, answer.body.toString());
  scene.revoked.unshift(client);
  scene.revoked.length = Math.min(scene.revoked.length, 3);
}

/** What a server of this namespace has: out of the cluster itself, whether the API server answers or not. */
function copyIn({ cluster }: Scene, namespace: string): Trust {
  const secret = cluster.api.read('v1', 'Secret', namespace, 'internal-ca');
  const text = (key: string) => Buffer.from(stringAt(secret, 'data', key) ?? '', 'base64').toString();
  return { caCrt: text('ca.crt'), caCrl: text('ca.crl') };
}

async function served({ service }: Scene): Promise<Buffer> {
  const answer = await service.call('GET', '/crl/internal-ca.crl', { token: null });
  assert.equal(answer.status, 200);
  return answer.body;
}

/** Everything that is due is signed, everywhere, and was read back. */
async function settle(scene: Scene): Promise<void> {
  const { clock, revoked } = scene;
  let number = '';
  await eventually(async () => {
    const der = await served(scene);
    const crl = readCrl(der);
    number = crl.crlNumber.toString();
    assert.ok(crl.nextUpdate.getTime() - clock.now() > overlapSeconds * 1000, 'signed anew');
    const listed = new Set([...crl.entries()].map(({ serial }) => serial));
    for (const { serial } of revoked) assert.ok(listed.has(serial), 'lists what is revoked');
    const pem = encodePem('X509 CRL', der);
    for (const namespace of namespaces) assert.equal(copyIn(scene, namespace).caCrl, pem, namespace);
    scene.mirror.octets = der;
  });
  await eventually(async () => assert.deepEqual(await faults(scene), []));
  // A look from before the copy was written would be days old after the next step, which no clock but this one takes at once.
  await eventually(async () => {
    const seen = (await publications(scene)).map((item) => [item.target, item.seen?.crlNumber]);
    assert.deepEqual(
      seen.filter(([target]) => target?.startsWith('secret:')).sort(),
      namespaces.map((namespace) => [`secret:${namespace}/internal-ca`, number]).sort(),
    );
  });
}

/** As the metrics tell them, which need no database. */
async function faults({ service }: Scene): Promise<string[]> {
  const text = (await service.call('GET', '/metrics')).body.toString();
  return [...text.matchAll(/^internal_ca_published_fault\{place="([^"]+)",finding="([^"]+)"\} 1$/gm)]
    .map(([, place, finding]) => `${place} ${finding}`)
    .sort();
}

/** What each door does now; where all is current, also with those that are revoked. */
async function assertDoors(scene: Scene, { isServing = true, isCurrent = true } = {}): Promise<void> {
  const { clock, opinion, good, revoked } = scene;
  const doors = new Map(namespaces.map((namespace) => [namespace, copyIn(scene, namespace)]));
  const { caCrt } = copyIn(scene, 'app');
  if (isServing) doors.set('http', { caCrt, caCrl: encodePem('X509 CRL', await served(scene)) });
  for (const [door, trust] of doors) {
    const { crlNumber } = readCrl(derOf(trust.caCrl));
    assert.ok(crlNumber >= (scene.numbers.get(door) ?? 0n), `${door}: the number fell`);
    scene.numbers.set(door, crlNumber);
    const [atGood, ...atRevoked] = opinion.verify(
      trust,
      clock.now(),
      [good, ...revoked].map(({ pem }) => pem),
    );
    assert.equal(atGood, 0, `${door} at ${new Date(clock.now()).toISOString()}: the good client`);
    if (isCurrent)
      assert.deepEqual(
        atRevoked,
        revoked.map(() => revokedError),
        door,
      );
  }
}

function derOf(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
}

const outages = ['database', 'api', 'both', 'service'] as const;
type Away = (typeof outages)[number];

/** Nearly as long as a CRL outlives its renewal, and from the worst moment on: a minute before that. */
async function outage(scene: Scene, away: Away): Promise<void> {
  const { database, cluster, service, clock } = scene;
  clock.set(readCrl(await served(scene)).nextUpdate.getTime() - (overlapSeconds + 60) * 1000);
  const parts = [
    ...(away === 'database' || away === 'both' ? [database] : []),
    ...(away === 'api' || away === 'both' ? [cluster.api] : []),
  ];
  for (const part of parts) await part.stop();
  if (away === 'service') await service.stop();
  for (let time = 0; time < 5; time += 1) {
    clock.advance(overlapSeconds * 0.19);
    await assertDoors(scene, { isServing: away !== 'service', isCurrent: false });
  }
  for (const part of parts) await part.start();
  if (away === 'service') await service.restart();
  await settle(scene);
}

/** Reproducible, so that a failure can be looked at again. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test('half a year: whatever is away for less than the overlap, no client is refused', async (t) => {
  if (skipUnless(t, 'openssl')) return;
  // Parts and deltas are served and read back all the time, too.
  const parts = {
    PUBLIC_URL: 'http://ca.example',
    WATCHDOG_PUBLIC_URL: 'off',
    CRL_SHARDS: '4',
    CRL_DELTA: 'on',
  };
  const scene = await setScene(t, parts);
  const { clock, service, told } = scene;
  const random = seeded(4);
  const begun = clock.now();
  const happened: string[] = [];
  let outageEnd = readCrl(await served(scene));
  for (let step = 0; step < steps; step += 1) {
    clock.advance(stepSeconds);
    if (random() < 0.25) await revokeOne(scene);
    await settle(scene);
    await assertDoors(scene);
    assert.deepEqual(
      told.filter((text) => !isOf(outageEnd, text)),
      [],
      'no fault is told of while all is well',
    );
    if (step % 7 === 5) {
      const count = happened.filter((what) => what !== 'restart').length;
      const away = outages[count] ?? outages[Math.floor(random() * outages.length)] ?? 'both';
      await outage(scene, away);
      happened.push(away);
      await assertDoors(scene);
      outageEnd = readCrl(await served(scene));
    } else if (random() < 0.05) {
      await service.restart();
      happened.push('restart');
    }
  }
  const days = (clock.now() - begun) / 1000 / day;
  t.diagnostic(`${Math.round(days)} days: ${happened.join(', ')}`);
  assert.ok(days > 183 && scene.revoked.length === 3);
  for (const what of [...outages, 'restart']) assert.ok(happened.includes(what), what);
  const tooLate = clock.now() + 2 * overlapSeconds * 1000;
  const verdicts = scene.opinion.verify(copyIn(scene, 'app'), tooLate, [scene.good.pem]);
  assert.deepEqual(verdicts, [crlExpired], 'the second opinion can say no');
});

test('what is broken on purpose is noticed, and mended where it is ours', async (t) => {
  const scene = await setScene(t);
  const { clock, cluster, service, mirror, told } = scene;
  const old = copyIn(scene, 'app');
  const oldOctets = mirror.octets;
  clock.advance(60);
  await revokeOne(scene);
  await settle(scene);

  let blind = false;
  let mayWrite = false;
  cluster.api.interfere(({ verb, type }) => {
    if (type.plural !== 'secrets') return undefined;
    blind ||= verb === 'watch';
    if (verb === 'watch') return 'hang';
    return verb === 'patch' && !mayWrite ? { status: 503 } : undefined;
  });
  // The watches of before are cut; from now on nobody is told of an edit.
  await cluster.api.stop();
  await cluster.api.start();
  await eventually(() => assert.ok(blind));
  putCopy(scene, 'app', old);
  await eventually(async () => {
    clock.advance(20);
    assert.deepEqual(await faults(scene), ['secret:app/internal-ca behind']);
  });
  const [item] = (await publications(scene)).filter(({ target }) => target === 'secret:app/internal-ca');
  assert.partialDeepStrictEqual(item, {
    seen: { finding: 'behind', crlNumber: readCrl(oldOctets).crlNumber.toString() },
  });
  mayWrite = true;
  await eventually(async () => assert.deepEqual(await faults(scene), []));
  assert.equal(copyIn(scene, 'app').caCrl, copyIn(scene, 'internal-ca').caCrl, 'the watch saw nothing');
  await eventually(() =>
    assert.match(told.join(), /behind: it has CRL \d+ of internal-ca, and should have \d+/),
  );

  const { octets } = mirror;
  const address = mirror.url.replace('user:hunter2@', '');
  for (const [wrong, finding] of [
    [oldOctets, 'behind'],
    [Buffer.from('<html>hello</html>'), 'broken'],
    [octets.with(octets.length - 1, (octets.at(-1) ?? 0) ^ 1), 'broken'],
  ] as const) {
    mirror.octets = Buffer.from(wrong);
    await eventually(async () => {
      clock.advance(200);
      assert.deepEqual(await faults(scene), [`url:${address} ${finding}`]);
    });
    const ready = (await service.call('GET', '/readyz', { token: null })).body.toString();
    assert.match(ready, /"status":"ready".*"published","required":false,"status":"failing"/);
    const text = JSON.stringify(await publications(scene));
    assert.ok(text.includes(address), text);
    assert.doesNotMatch(text + ready, /hunter2|hello/);
    mirror.octets = octets;
    await eventually(async () => assert.deepEqual(await faults(scene), []));
  }
});

test('an outage that is longer than the overlap: lapsing, and then lapsed, in time to act', async (t) => {
  const scene = await setScene(t);
  const { clock, database, service } = scene;
  const readiness = async () => (await service.call('GET', '/readyz', { token: null })).body.toString();
  const everywhere = (found: readonly string[], finding: string) =>
    assert.deepEqual(
      found.filter((fault) => fault.endsWith(` ${finding}`)).map((fault) => fault.split(':')[0]),
      ['secret', 'secret', 'self', 'url'],
    );
  await database.stop();
  clock.set(readCrl(await served(scene)).nextUpdate.getTime() - (overlapSeconds / 2) * 1000);
  await faults(scene);
  assert.doesNotMatch(await readiness(), /lapsing/);
  await eventually(async () => {
    clock.advance(100);
    everywhere(await faults(scene), 'lapsing');
  });
  assert.match(await readiness(), /"name":"crl","required":true,"status":"ok"/, 'it is still of use');
  clock.advance(overlapSeconds / 2);
  await eventually(async () => everywhere(await faults(scene), 'lapsed'));
  clock.advance(2);
  assert.match(
    await readiness(),
    /"name":"crl","required":true,"status":"failing","detail":"the CRL of internal-ca lapsed/,
  );
  await database.start();
  await settle(scene);
  clock.advance(2);
  await eventually(async () => {
    clock.advance(2);
    assert.match(await readiness(), /"status":"ready"/);
  });
});

/** Events are written in the background: whether this one is of an outage that ended with that CRL. */
function isOf(end: Pick<ReturnType<typeof readCrl>, 'crlNumber' | 'nextUpdate'>, message: string): boolean {
  if (message.includes('is unread')) return true;
  const due = /should have (\d+)/.exec(message)?.[1];
  const lapse = /lapse[sd] at (\S+Z)/.exec(message)?.[1];
  if (due !== undefined) return BigInt(due) <= end.crlNumber;
  return lapse !== undefined && new Date(lapse) < end.nextUpdate;
}

interface Publication {
  readonly target: string;
  readonly seen?: { readonly crlNumber?: string };
}

async function publications({ service }: Scene): Promise<Publication[]> {
  const answer = await service.call('GET', '/v1/publications');
  assert.equal(answer.status, 200, answer.body.toString());
  return JSON.parse(answer.body.toString()).items;
}

/** As somebody else, who leaves the rest as it is. */
function putCopy({ cluster }: Scene, namespace: string, { caCrl }: Trust): void {
  const secret = cluster.api.read('v1', 'Secret', namespace, 'internal-ca');
  const data = { ...objectAt(secret, 'data'), 'ca.crl': Buffer.from(caCrl).toString('base64') };
  cluster.api.put({ ...secret, data }, 'somebody');
}
