import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { chainPem } from '../../../src/authority/chain-pem.ts';
import type { DetailedProbeReport } from '../../../src/enforcement/probe/probe-report.ts';
import { makeAuthority } from '../../support/authority.ts';
import { findTool, skipUnless } from '../../support/skip.ts';
import { ingress } from '../fixtures.ts';
import { crlOf, type DoorBench, enforced, recordUpdatedAt, startDoorBench } from './harness.ts';

/** What the probe says of a real nginx that is set up well, and of all the ways in which it is not. */

const cleanUps: (() => Promise<void>)[] = [];
let bench: DoorBench | undefined;

before(async () => {
  if (findTool('nginx') === undefined) return;
  bench = await startDoorBench({ after: (work) => void cleanUps.push(work) });
});
after(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
});

function doorTest(name: string, work: (bench: DoorBench) => Promise<void>): void {
  test(name, async (t) => {
    if (skipUnless(t, 'nginx')) return;
    assert.ok(bench);
    await work(bench);
  });
}

function codesOf({ reasons }: DetailedProbeReport): string[] {
  return reasons.map(({ code }) => code);
}

function contradicted(report: DetailedProbeReport, ...codes: readonly string[]): void {
  assert.deepEqual(codesOf(report), codes, JSON.stringify(report.hosts));
  assert.equal(report.verdict, 'contradicted');
}

function confirmed(report: DetailedProbeReport): void {
  assert.deepEqual(report.reasons, []);
  assert.equal(report.verdict, 'confirmed');
}

/** What each check saw, in short. */
function answersOf({ hosts }: DetailedProbeReport): Record<string, unknown> {
  const checks = hosts.flatMap((host) => host.checks);
  return Object.fromEntries(
    checks.map(({ name, answer }) => [name, answer.kind === 'http' ? answer.status : answer.kind]),
  );
}

doorTest('an enforced door is confirmed', async ({ serve, probe }) => {
  const target = enforced({});
  await serve([target]);
  const report = await probe(target, {});
  confirmed(report);
  assert.deepEqual(answersOf(report), {
    'no-certificate': 400,
    'our-certificate': 200,
    'unknown-authority': 400,
    'plain-http': 308,
    'plain-http-forwarded': 308,
  });
  assert.deepEqual(report.recordUpdatedAt, recordUpdatedAt);
  assert.equal(report.address, '127.0.0.1');
});

doorTest('a door that nothing was done to is open', async ({ serve, probe }) => {
  await serve([ingress()]);
  contradicted(await probe(ingress(), {}), 'open-without-certificate', 'unknown-authority-let-in');
});

doorTest('a host that the controller does not serve is not enforced either', async ({ serve, probe }) => {
  await serve([]);
  const report = await probe(enforced({}), {});
  assert.equal(report.verdict, 'contradicted');
  assert.equal(codesOf(report)[0], 'open-without-certificate');
});

doorTest('optional where on is wished lets in who has none', async ({ serve, probe }) => {
  await serve([enforced({ mode: 'optional' })]);
  contradicted(await probe(enforced({}), {}), 'open-without-certificate');
});

doorTest('optional_no_ca lets in whatever a stranger shows', async ({ serve, probe }) => {
  const target = enforced({ mode: 'optional' });
  const key = 'nginx.ingress.kubernetes.io/auth-tls-verify-client';
  const annotations = { ...target.metadata.annotations, [key]: 'optional_no_ca' };
  const lax = { ...target, metadata: { ...target.metadata, annotations } };
  await serve([lax]);
  contradicted(await probe(lax, { mode: 'optional' }), 'unknown-authority-let-in');
});

doorTest('plain HTTP that is answered', async ({ serve, probe }) => {
  const target = enforced({});
  const { 'nginx.ingress.kubernetes.io/force-ssl-redirect': _forced, ...rest } =
    target.metadata.annotations ?? {};
  const annotations = { ...rest, 'nginx.ingress.kubernetes.io/ssl-redirect': 'false' };
  const open = { ...target, metadata: { ...target.metadata, annotations } };
  await serve([open]);
  contradicted(await probe(open, {}), 'plain-http-open');
});

doorTest('a controller that believes X-Forwarded-Proto is contradicted', async ({ serve, probe }) => {
  const target = enforced({});
  await serve([target], undefined, { useForwardedHeaders: true });
  const report = await probe(target, {});
  contradicted(report, 'forwarded-proto-believed');
  assert.deepEqual([answersOf(report)['plain-http'], answersOf(report)['plain-http-forwarded']], [308, 200]);
  const closed = enforced({ matchCommonName: '*' });
  await serve([closed], undefined, { useForwardedHeaders: true });
  confirmed(await probe(closed, { matchCommonName: '*' }));
});

doorTest('plain HTTP where nobody listens is not open', async ({ serve, probe }) => {
  const target = enforced({});
  await serve([target]);
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port } = free.address() as AddressInfo;
  free.close();
  await once(free, 'close');
  confirmed(await probe(target, {}, { settings: { httpPort: port } }));
});

doorTest('the CA of somebody else in the Secret refuses ours', async ({ serve, probe, secret }) => {
  const target = enforced({});
  const other = await makeAuthority(Date.now());
  const material = { caCrt: chainPem(other), crl: await crlOf(other, -1, 24) };
  await serve([target], [await secret(material)]);
  contradicted(await probe(target, {}), 'ours-refused');
});

doorTest('a missing Secret closes the door to everybody', async ({ serve, probe }) => {
  const target = enforced({});
  await serve([target], []);
  const report = await probe(target, {});
  contradicted(report, 'closed-to-everybody');
  assert.equal(answersOf(report)['our-certificate'], 403);
});

doorTest('a CRL that has lapsed refuses ours', async ({ serve, probe, secret, authority }) => {
  const target = enforced({});
  const lapsed = await crlOf(authority, -2, -1);
  await serve([target], [await secret({ crl: lapsed })]);
  contradicted(await probe(target, {}), 'ours-refused');
  await serve([enforced({ mode: 'optional' })], [await secret({ crl: lapsed })]);
  contradicted(await probe(enforced({ mode: 'optional' }), { mode: 'optional' }), 'ours-refused');
});

doorTest('optional and off, as wished and as not', async ({ serve, probe }) => {
  const optional = enforced({ mode: 'optional' });
  await serve([optional]);
  confirmed(await probe(optional, { mode: 'optional' }));
  contradicted(await probe(optional, { mode: 'off' }), 'still-verified');
  const off = enforced({ mode: 'off' });
  await serve([off]);
  confirmed(await probe(off, { mode: 'off' }));
  contradicted(await probe(off, { mode: 'optional' }), 'unknown-authority-let-in');
  await serve([enforced({})]);
  const refused = await probe(optional, { mode: 'optional' });
  contradicted(refused, 'refused-without-certificate');
});

doorTest('a commonName that is wished for is asked for', async ({ serve, probe }) => {
  const alice = enforced({ matchCommonName: 'alice' });
  await serve([alice]);
  const report = await probe(alice, { matchCommonName: 'alice' });
  confirmed(report);
  assert.deepEqual(answersOf(report), {
    'no-certificate': 400,
    'our-certificate': 403,
    'unknown-authority': 400,
    'plain-http': 403,
    'plain-http-forwarded': 403,
  });
  // Refused for its name only where the name is not ours to have.
  contradicted(await probe(alice, { matchCommonName: '*' }), 'ours-refused');
  const any = enforced({ matchCommonName: '*' });
  await serve([any]);
  confirmed(await probe(any, { matchCommonName: '*' }));
  contradicted(await probe(any, { matchCommonName: 'alice' }), 'name-not-checked');
});

doorTest('an error page elsewhere is a refusal; one on the host cannot be told', async ({ serve, probe }) => {
  const page = { errorPage: 'https://help.example/no-certificate' };
  await serve([enforced(page)]);
  const report = await probe(enforced(page), page);
  confirmed(report);
  assert.equal(answersOf(report)['no-certificate'], 302);
  const local = { errorPage: '/sorry' };
  await serve([enforced(local)]);
  const unclear = await probe(enforced(local), local);
  assert.equal(unclear.verdict, 'inconclusive');
  assert.deepEqual(codesOf(unclear), ['error-page-local']);
});

doorTest('a wildcard is tried by a name below it', async ({ serve, probe }) => {
  const target = enforced({}, { hosts: ['*.a.example'] });
  await serve([target]);
  const report = await probe(target, {}, { hosts: ['*.a.example'] });
  confirmed(report);
  assert.equal(report.hosts[0]?.serverName, 'internal-ca-probe.a.example');
});

doorTest('one open host among many contradicts, and is named', async ({ serve, probe }) => {
  const hosts = ['a.example', 'b.example', 'c.example'];
  const target = enforced({}, { hosts: ['a.example', 'c.example'] });
  await serve([target, ingress({ name: 'open', hosts: ['b.example'] })]);
  const report = await probe(target, {}, { hosts });
  contradicted(report, 'open-without-certificate', 'unknown-authority-let-in');
  assert.match(report.reasons[0]?.detail ?? '', /b\.example/);
  assert.doesNotMatch(report.reasons[0]?.detail ?? '', /[ac]\.example/);
  assert.deepEqual(
    report.hosts.map(({ host }) => host),
    hosts,
  );
});

doorTest('more hosts than are tried are no proof', async ({ serve, probe }) => {
  const hosts = Array.from({ length: 31 }, (_, index) => `h${index}.example`);
  const target = enforced({}, { hosts });
  await serve([target]);
  const report = await probe(target, {}, { hosts });
  assert.equal(report.hosts.length, 30);
  assert.deepEqual(codesOf(report), ['hosts-left-out']);
  assert.equal(report.verdict, 'inconclusive');
});

doorTest(
  'clocks minutes apart excuse a refusal of ours, and nothing else',
  async ({ serve, probe, secret, authority }) => {
    const ahead = { now: () => Date.now() + 300_000 };
    const target = enforced({});
    await serve([target]);
    confirmed(await probe(target, {}, { clock: ahead }));
    const lapsed = await crlOf(authority, -2, -1);
    await serve([target], [await secret({ crl: lapsed })]);
    const report = await probe(target, {}, { clock: ahead });
    assert.equal(report.verdict, 'inconclusive');
    assert.deepEqual(codesOf(report), ['clock-skew']);
    await serve([ingress()]);
    const open = await probe(ingress(), {}, { clock: ahead });
    assert.equal(open.verdict, 'contradicted');
  },
);

doorTest('an application that is away does not hide an enforced door', async ({ serve, probe }) => {
  const target = enforced({});
  await serve([target], undefined, { upstream: 'http://127.0.0.1:1' });
  const report = await probe(target, {});
  confirmed(report);
  assert.equal(answersOf(report)['our-certificate'], 502);
});

doorTest('a silent address is inconclusive', async ({ probe }) => {
  const silent = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const settings = { httpsPort: port, httpPort: port, timeoutSeconds: 0.2 };
  const report = await probe(enforced({}), {}, { settings });
  silent.close();
  assert.equal(report.verdict, 'inconclusive');
  assert.deepEqual(codesOf(report), ['plain-http-unseen', 'door-unreachable']);
});

doorTest('nothing is tried without an Ingress, an address, a host, or the authority', async ({ probe }) => {
  const nowhere = enforced({});
  const here = { ...nowhere, status: { loadBalancer: { ingress: [{ ip: '127.0.0.1' }] } } };
  const cases: readonly (readonly [DetailedProbeReport, string])[] = [
    [await probe(nowhere, {}, { gone: true }), 'ingress-missing'],
    [await probe(nowhere, {}, { addressOfStatus: true }), 'no-address'],
    [await probe(here, {}, { addressOfStatus: true }), 'address-local'],
    [await probe(nowhere, {}, { hosts: [] }), 'no-host'],
    [await probe(nowhere, {}, { authority: 'gone' }), 'authority-missing'],
  ];
  for (const [report, code] of cases) {
    assert.equal(report.verdict, 'inconclusive');
    assert.deepEqual(codesOf(report), [code]);
    assert.deepEqual(report.hosts, []);
  }
});
