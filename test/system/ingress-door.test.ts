import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { VerificationSettings } from '../../src/enforcement/verification.ts';
import type { Ingress, Secret } from '../../src/kubernetes/objects.ts';
import { type IngressOptions, ingress, plan, prefix } from '../enforcement/fixtures.ts';
import { type EchoUpstream, startEchoUpstream } from '../support/nginx/echo-upstream.ts';
import { type Knock, knock } from '../support/nginx/knock.ts';
import { type Nginx, startNginx } from '../support/nginx/nginx.ts';
import {
  createOpensslAuthority,
  type OpensslAuthority,
  type OpensslLeaf,
} from '../support/nginx/openssl-authority.ts';
import type { RenderInput } from '../support/nginx/render.ts';
import { establishSession, resumeSession } from '../support/nginx/tls-session.ts';
import { findTool, skipUnless } from '../support/skip.ts';

/** What a real nginx does with exactly the annotations that the adapter writes; every certificate is openssl's. */

interface Door {
  readonly nginx: Nginx;
  readonly upstream: EchoUpstream;
  readonly serverCa: OpensslAuthority;
  readonly server: OpensslLeaf;
  readonly clientCa: OpensslAuthority;
  readonly alice: OpensslLeaf;
  readonly evil: OpensslLeaf;
  readonly mallory: OpensslLeaf;
  readonly stranger: OpensslLeaf;
  readonly crl: string;
}

const toolsAreThere = findTool('nginx') !== undefined && findTool('openssl') !== undefined;
const cleanUps: (() => Promise<void>)[] = [];
let door: Door | undefined;

before(async () => {
  if (toolsAreThere) door = await open();
});
after(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
});

async function open(): Promise<Door> {
  const [serverCa, clientCa, strangeCa] = await Promise.all([
    createOpensslAuthority('/CN=Public CA'),
    createOpensslAuthority('/CN=internal-ca'),
    createOpensslAuthority('/CN=internal-ca strange'),
  ]);
  for (const authority of [serverCa, clientCa, strangeCa]) cleanUps.push(() => authority.remove());
  const server = await serverCa.issue('/CN=a.example', ['a.example', 'b.example']);
  const alice = await clientCa.issue('/O=x/CN=alice');
  const evil = await clientCa.issue('/O=CN=alice/CN=alice-evil');
  const mallory = await clientCa.issue('/CN=mallory');
  const stranger = await strangeCa.issue('/CN=alice');
  await clientCa.revoke(mallory);
  const crl = await clientCa.crl();
  const upstream = await startEchoUpstream();
  cleanUps.push(() => upstream.stop());
  const parts = { upstream, serverCa, server, clientCa, alice, evil, mallory, stranger, crl };
  const nginx = await startNginx(input(parts, [ingress()], []));
  cleanUps.push(() => nginx.stop());
  return { ...parts, nginx };
}

function input(
  { server, upstream }: Pick<Door, 'server' | 'upstream'>,
  ingresses: readonly Ingress[],
  secrets: readonly Secret[],
): RenderInput {
  return { ingresses, secrets, serverCertificate: server, upstream: upstream.url };
}

function secretOf({ clientCa, crl }: Door): Secret {
  const encode = (text: string) => Buffer.from(text).toString('base64');
  return {
    metadata: { name: 'internal-ca', namespace: 'app' },
    type: 'Opaque',
    data: { 'ca.crt': encode(clientCa.caCrt), 'ca.crl': encode(crl) },
  };
}

/** The Ingress with what the adapter writes on it for these settings. */
function enforced(settings: Partial<VerificationSettings>, options: IngressOptions = {}): Ingress {
  const target = ingress(options);
  const { annotations, reasons } = plan(target, { settings });
  assert.deepEqual(reasons, []);
  const { metadata } = target;
  return { ...target, metadata: { ...metadata, annotations: { ...metadata.annotations, ...annotations } } };
}

interface Caller {
  (path: string, how?: Partial<Knock>): ReturnType<typeof knock>;
  as(leaf: OpensslLeaf, how?: Partial<Knock>): ReturnType<typeof knock>;
  plain(how?: Partial<Knock>): ReturnType<typeof knock>;
}

function caller({ nginx, serverCa }: Door): Caller {
  const call = (path: string, how: Partial<Knock> = {}) =>
    knock({ port: nginx.httpsPort, host: 'a.example', ca: serverCa.caCrt, path, ...how });
  return Object.assign(call, {
    as: ({ cert, key }: OpensslLeaf, how: Partial<Knock> = {}) => call('/', { cert, key, ...how }),
    plain: (how: Partial<Knock> = {}) => call('/x?y=1', { port: nginx.httpPort, plain: true, ...how }),
  });
}

function doorTest(name: string, work: (door: Door, call: Caller) => Promise<void>): void {
  test(name, async (t) => {
    if (skipUnless(t, 'nginx') || skipUnless(t, 'openssl')) return;
    assert.ok(door);
    await work(door, caller(door));
  });
}

function headersOf(body: string): Record<string, string> {
  return JSON.parse(body).headers;
}

const noCertificate = /No required SSL certificate was sent/;
const badCertificate = /The SSL certificate error/;

doorTest(
  'before enforcement everybody is served, and may claim to be anybody',
  async ({ nginx, ...parts }, call) => {
    await nginx.update(input(parts, [ingress()], []));
    const answer = await call('/', { headers: { 'ssl-client-verify': 'SUCCESS' } });
    assert.equal(answer.status, 200);
    assert.equal(headersOf(answer.body)['ssl-client-verify'], 'SUCCESS');
  },
);

doorTest('mode on: nobody passes without a valid certificate', async (all, call) => {
  await all.nginx.update(input(all, [enforced({})], [secretOf(all)]));
  const nobody = await call('/');
  assert.equal(nobody.status, 400);
  assert.match(nobody.body, noCertificate);
  for (const leaf of [all.stranger, all.mallory]) {
    const answer = await call.as(leaf);
    assert.equal(answer.status, 400);
    assert.match(answer.body, badCertificate);
  }
  assert.match(await all.nginx.errorLog(), /\(23:certificate revoked\)/);
});

doorTest('mode on: the upstream learns who it is, from nginx and nobody else', async (all, call) => {
  await all.nginx.update(input(all, [enforced({})], [secretOf(all)]));
  const forged = { 'ssl-client-verify': 'SUCCESS', 'ssl-client-subject-dn': 'CN=root' };
  const answer = await call.as(all.alice, { headers: forged });
  assert.equal(answer.status, 200);
  const headers = headersOf(answer.body);
  assert.equal(headers['ssl-client-verify'], 'SUCCESS');
  assert.equal(headers['ssl-client-subject-dn'], 'CN=alice,O=x');
  assert.equal(headers['ssl-client-issuer-dn'], 'CN=internal-ca');
  assert.equal(decodeURIComponent(headers['ssl-client-cert'] ?? ''), all.alice.cert);
});

doorTest(
  'passCertificate false keeps the certificate, not the name, from the upstream',
  async (all, call) => {
    await all.nginx.update(input(all, [enforced({ passCertificate: false })], [secretOf(all)]));
    const headers = headersOf((await call.as(all.alice)).body);
    assert.equal(headers['ssl-client-cert'], undefined);
    assert.equal(headers['ssl-client-subject-dn'], 'CN=alice,O=x');
  },
);

doorTest('mode on: plain HTTP is redirected, even where the Ingress said no', async (all, call) => {
  const target = enforced({}, { annotations: { 'ssl-redirect': 'false' } });
  await all.nginx.update(input(all, [target], [secretOf(all)]));
  const answer = await call.plain();
  assert.equal(answer.status, 308);
  assert.equal(answer.headers.location, `https://a.example:${all.nginx.httpsPort}/x?y=1`);
});

doorTest('without force-ssl-redirect the same Ingress is open over plain HTTP', async (all, call) => {
  const target = enforced({}, { annotations: { 'ssl-redirect': 'false' } });
  const { [`${prefix}force-ssl-redirect`]: forced, ...annotations } = target.metadata.annotations ?? {};
  assert.equal(forced, 'true');
  const open = { ...target, metadata: { ...target.metadata, annotations } };
  await all.nginx.update(input(all, [open], [secretOf(all)]));
  assert.equal((await call.plain()).status, 200);
});

doorTest('mode optional: none or a valid one, but no bad one', async (all, call) => {
  await all.nginx.update(input(all, [enforced({ mode: 'optional' })], [secretOf(all)]));
  const nobody = await call('/', { headers: { 'ssl-client-verify': 'SUCCESS' } });
  assert.equal(nobody.status, 200);
  assert.equal(headersOf(nobody.body)['ssl-client-verify'], 'NONE');
  assert.equal(headersOf((await call.as(all.alice)).body)['ssl-client-verify'], 'SUCCESS');
  assert.equal((await call.as(all.mallory)).status, 400);
  assert.equal((await call.as(all.stranger)).status, 400);
});

doorTest('mode off: nobody is asked, and nobody can claim to have been', async (all, call) => {
  await all.nginx.update(input(all, [enforced({ mode: 'off' })], [secretOf(all)]));
  const answer = await call('/', { headers: { 'ssl-client-verify': 'SUCCESS' } });
  assert.equal(answer.status, 200);
  assert.notEqual(headersOf(answer.body)['ssl-client-verify'], 'SUCCESS');
});

doorTest('matchCommonName lets in that one name, and closes plain HTTP', async (all, call) => {
  await all.nginx.update(input(all, [enforced({ matchCommonName: 'alice' })], [secretOf(all)]));
  assert.equal((await call.as(all.alice)).status, 200);
  const evil = await call.as(all.evil);
  assert.equal(evil.status, 403);
  assert.match(evil.body, /client certificate unauthorized/);
  assert.equal((await call.plain()).status, 403);
});

doorTest('the plain pattern of other guides lets in alice-evil', async (all, call) => {
  const target = enforced({}, { annotations: { 'auth-tls-match-cn': 'CN=alice' } });
  await all.nginx.update(input(all, [target], [secretOf(all)]));
  assert.equal((await call.as(all.evil)).status, 200);
});

doorTest(
  'believed X-Forwarded-Proto skips the redirect; matchCommonName "*" closes that',
  async (all, call) => {
    const believing = { ...input(all, [enforced({})], [secretOf(all)]), useForwardedHeaders: true };
    const headers = { 'X-Forwarded-Proto': 'https' };
    await all.nginx.update(believing);
    assert.equal((await call.plain({ headers })).status, 200);
    await all.nginx.update({ ...believing, ingresses: [enforced({ matchCommonName: '*' })] });
    assert.equal((await call.plain({ headers })).status, 403);
    assert.equal((await call.as(all.alice)).status, 200);
  },
);

doorTest('an error page elsewhere is a redirect; a local one is served to strangers', async (all, call) => {
  const away = enforced({ errorPage: 'https://help.example/no-certificate' });
  await all.nginx.update(input(all, [away], [secretOf(all)]));
  const redirected = await call('/');
  assert.equal(redirected.status, 302);
  assert.equal(redirected.headers.location, 'https://help.example/no-certificate');
  await all.nginx.update(input(all, [enforced({ errorPage: '/sorry' })], [secretOf(all)]));
  const local = await call('/secret');
  assert.equal(local.status, 200);
  assert.equal(JSON.parse(local.body).url, '/sorry');
});

doorTest('the oldest Ingress with a CA decides for the host', async (all, call) => {
  const mine = enforced({}, { metadata: { creationTimestamp: '2026-01-05T00:00:00Z' } });
  const optional = ingress({
    name: 'older',
    paths: ['/older'],
    annotations: { 'auth-tls-secret': 'app/internal-ca', 'auth-tls-verify-client': 'optional' },
  });
  const written = {
    ...mine,
    metadata: { ...mine.metadata, annotations: enforced({}).metadata.annotations ?? {} },
  };
  await all.nginx.update(input(all, [written, optional], [secretOf(all)]));
  assert.equal((await call('/')).status, 200);
  assert.deepEqual(
    plan(written, { others: [optional] }).reasons.map(({ code }) => code),
    ['host-policy-conflict'],
  );
});

doorTest('without the Secret in its namespace the whole host is closed', async (all, call) => {
  await all.nginx.update(input(all, [enforced({})], []));
  assert.equal((await call.as(all.alice)).status, 403);
  const elsewhere = { ...secretOf(all), metadata: { name: 'internal-ca', namespace: 'internal-ca' } };
  await all.nginx.update(input(all, [enforced({})], [elsewhere]));
  assert.equal((await call.as(all.alice)).status, 403);
});

doorTest('a host of its own beside it stays as it is', async (all, call) => {
  const beside = ingress({ name: 'beside', hosts: ['b.example'] });
  await all.nginx.update(input(all, [enforced({}), beside], [secretOf(all)]));
  assert.equal((await call('/', { host: 'b.example' })).status, 200);
  // The connection was made for b.example, where nobody was asked.
  const crossed = await call('/', { host: 'b.example', headers: { Host: 'a.example' } });
  assert.equal(crossed.status, 421);
});

doorTest('a revocation holds from the reload on; a session from before it goes on', async (all, call) => {
  const bob = await all.clientCa.issue('/CN=bob');
  await all.nginx.update(input(all, [enforced({})], [secretOf(all)]));
  const client = { port: all.nginx.httpsPort, host: 'a.example', ca: all.serverCa.caCrt, ...bob };
  const { session, answer } = await establishSession(client);
  assert.match(answer, /^HTTP\/1\.1 200 /);
  assert.equal((await call.as(bob)).status, 200);
  await all.clientCa.revoke(bob);
  const crl = await all.clientCa.crl();
  await all.nginx.update(input(all, [enforced({})], [secretOf({ ...all, crl })]));
  assert.equal((await call.as(bob)).status, 400);
  // ssl_session_cache with tickets off, the defaults of ingress-nginx: nginx does not verify a resumed session again.
  assert.match(await resumeSession(client, session), /^HTTP\/1\.1 200 /);
});
