import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Fault } from '../../src/fault.ts';
import { codes, prefix, prefixed } from './fixtures.ts';
import { type Harness, requester, startHarness } from './harness.ts';

const written = prefixed({
  'auth-tls-secret': 'app/internal-ca',
  'auth-tls-verify-client': 'on',
  'auth-tls-verify-depth': '1',
  'auth-tls-pass-certificate-to-upstream': 'true',
  'force-ssl-redirect': 'true',
});

/** Runs what must be refused and gives the Fault; the Ingress must be byte for byte what it was. */
async function refused(harness: Harness, work: () => Promise<unknown>): Promise<Fault> {
  const before = await harness.live();
  let fault: unknown;
  await assert.rejects(work, (error) => {
    fault = error;
    return true;
  });
  assert.ok(fault instanceof Fault, String(fault));
  assert.deepEqual(await harness.live(), before);
  return fault;
}

async function start(t: TestContext): Promise<Harness> {
  const harness = await startHarness(t);
  harness.place({
    annotations: { 'proxy-body-size': '1m', 'ssl-redirect': 'false', 'force-ssl-redirect': 'false' },
  });
  return harness;
}

test('first the record, then the Secret, then the annotations in one write', async (t) => {
  const harness = await start(t);
  const answer = await harness.service.enforce('app', 'web', {}, { requester });
  assert.deepEqual(harness.events, ['put applying', 'secret app', 'put applied']);
  const writes = harness.server.calls.filter(({ verb }) => !['get', 'list'].includes(verb));
  assert.deepEqual(
    writes.map(({ verb, resource, fieldManager }) => ({ verb, resource, fieldManager })),
    [{ verb: 'patch', resource: 'ingresses', fieldManager: 'internal-ca' }],
  );
  assert.deepEqual(await harness.annotations(), {
    ...prefixed({ 'proxy-body-size': '1m', 'ssl-redirect': 'false' }),
    ...written,
  });
  assert.deepEqual(codes(answer.warnings), ['ssl-redirect-overruled', 'annotation-taken-over']);
});

test('the answer says what was written, what stood there, and whether revocation is enforced', async (t) => {
  const { service } = await start(t);
  const answer = await service.enforce('app', 'web', {}, { requester });
  const { warnings, ...rest } = answer;
  assert.match(warnings[1]?.detail ?? '', /force-ssl-redirect was "false", set by kubectl/);
  assert.deepEqual(rest, {
    namespace: 'app',
    name: 'web',
    origin: 'api',
    controller: 'ingress-nginx',
    authority: 'internal-ca',
    mode: 'on',
    passCertificate: true,
    revocation: { wished: 'crl', effective: 'crl' },
    hosts: ['a.example'],
    secret: { namespace: 'app', name: 'internal-ca' },
    annotations: {
      written,
      before: {
        ...Object.fromEntries(Object.keys(written).map((name) => [name, null])),
        [`${prefix}force-ssl-redirect`]: 'false',
      },
    },
    revocationEnforced: true,
    state: 'Enforced',
    observed: {
      ingress: 'present',
      differences: [],
      conflicts: [],
      problems: [],
      secret: { crlNumber: '7' },
    },
    dryRun: false,
    requester,
    createdAt: new Date('2026-11-23T12:00:00Z'),
    updatedAt: new Date('2026-11-23T12:00:00Z'),
  });
});

test('a repeated PUT changes nothing and does not take our values for theirs', async (t) => {
  const harness = await start(t);
  const first = await harness.service.enforce('app', 'web', {}, { requester });
  const live = await harness.live();
  const second = await harness.service.enforce('app', 'web', {}, { requester });
  assert.deepEqual(await harness.live(), live);
  assert.deepEqual(second.annotations, first.annotations);
  assert.deepEqual(codes(second.warnings), ['ssl-redirect-overruled']);
});

test('another wish takes away what it no longer needs', async (t) => {
  const harness = await start(t);
  await harness.service.enforce(
    'app',
    'web',
    { matchCommonName: 'alice', errorPage: '/sorry' },
    { requester },
  );
  const plain = await harness.service.enforce('app', 'web', {}, { requester });
  assert.deepEqual(plain.annotations.written, written);
  assert.deepEqual(codes(plain.warnings), ['ssl-redirect-overruled']);
  const off = await harness.service.enforce('app', 'web', { mode: 'off' }, { requester });
  assert.deepEqual(await harness.annotations(), {
    ...prefixed({ 'proxy-body-size': '1m', 'ssl-redirect': 'false', 'force-ssl-redirect': 'false' }),
    ...prefixed({ 'auth-tls-secret': 'app/internal-ca', 'auth-tls-verify-client': 'off' }),
  });
  assert.deepEqual([off.state, off.revocationEnforced], ['Off', false]);
  await harness.service.undo('app', 'web', { requester });
  assert.deepEqual(
    await harness.annotations(),
    prefixed({ 'proxy-body-size': '1m', 'ssl-redirect': 'false', 'force-ssl-redirect': 'false' }),
  );
});

test('the depth is that of the authority', async (t) => {
  const harness = await start(t);
  await harness.service.enforce('app', 'web', { authority: 'deep' }, { requester });
  assert.equal((await harness.annotations())[`${prefix}auth-tls-verify-depth`], '2');
});

test('a dry run lets admission speak and writes nothing', async (t) => {
  const harness = await start(t);
  const before = await harness.live();
  const answer = await harness.service.enforce('app', 'web', {}, { requester, dryRun: true });
  assert.deepEqual([answer.state, answer.dryRun, answer.revocationEnforced], ['Planned', true, true]);
  assert.deepEqual(answer.annotations.written, written);
  assert.deepEqual(answer.observed.differences.map(({ annotation, found }) => [annotation, found]).at(-1), [
    `${prefix}force-ssl-redirect`,
    'false',
  ]);
  assert.deepEqual(await harness.live(), before);
  assert.deepEqual(harness.events, []);
  harness.server.admit('validate.nginx.ingress.kubernetes.io', () => 'risky annotation');
  const fault = await refused(harness, () =>
    harness.service.enforce('app', 'web', {}, { requester, dryRun: true }),
  );
  assert.equal(fault.code, 'ingress-unsafe');
});

test('a denial by admission leaves nothing, and its words are passed on', async (t) => {
  const harness = await start(t);
  harness.server.admit(
    'validate.nginx.ingress.kubernetes.io',
    () => 'annotation group X contains risky annotation',
  );
  const fault = await refused(harness, () => harness.service.enforce('app', 'web', {}, { requester }));
  assert.equal(fault.code, 'ingress-unsafe');
  assert.deepEqual(codes(fault.reasons), ['admission-denied']);
  assert.match(fault.message, /contains risky annotation/);
  assert.equal(harness.rows.size, 0);
  assert.equal(harness.events.at(-1), 'remove unwanted');
});

test('all reasons come together, and nothing is touched', async (t) => {
  const harness = await startHarness(t, { namespaces: ['shop'] });
  harness.place({ tlsHosts: [], annotations: { canary: 'true' } });
  harness.server.put({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'internal-ca', namespace: 'app' },
  });
  const fault = await refused(harness, () => harness.service.enforce('app', 'web', {}, { requester }));
  assert.equal(fault.code, 'ingress-unsafe');
  assert.deepEqual(codes(fault.reasons), ['namespace-not-allowed', 'secret-taken', 'tls-missing', 'canary']);
  assert.deepEqual(harness.events, []);
});

test("another installation's copy is no Secret of ours", async (t) => {
  const harness = await start(t);
  const labels = { 'app.kubernetes.io/managed-by': 'internal-ca', 'internal-ca.io/copy': 'true' };
  harness.server.put({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: 'internal-ca',
      namespace: 'app',
      labels,
      annotations: { 'internal-ca.io/owner': 'other/internal-ca' },
    },
  });
  const fault = await refused(harness, () => harness.service.enforce('app', 'web', {}, { requester }));
  assert.deepEqual(codes(fault.reasons), ['secret-taken']);
  assert.match(fault.reasons[0]?.detail ?? '', /copy of another installation, other\/internal-ca/);
});

test('a Secret that cannot be written leaves the Ingress alone and no record', async (t) => {
  const harness = await start(t);
  harness.fail.secret = new Fault('publication-refused', 'somebody else has it');
  const fault = await refused(harness, () => harness.service.enforce('app', 'web', {}, { requester }));
  assert.equal(fault.code, 'publication-refused');
  assert.equal(harness.rows.size, 0);
});

test('with an earlier record, a failure puts that one back', async (t) => {
  const harness = await start(t);
  await harness.service.enforce('app', 'web', {}, { requester });
  const earlier = harness.rows.get('app/web');
  harness.fail.secret = new Fault('publication-refused', 'somebody else has it');
  await refused(harness, () => harness.service.enforce('app', 'web', { mode: 'optional' }, { requester }));
  assert.deepEqual(harness.rows.get('app/web'), earlier);
});

test('an Ingress made anew is enforced anew; a failure there keeps the old record', async (t) => {
  const harness = await start(t);
  await harness.service.enforce('app', 'web', {}, { requester });
  const earlier = harness.rows.get('app/web');
  harness.server.remove('networking.k8s.io/v1', 'Ingress', 'app', 'web');
  harness.place({ annotations: { 'force-ssl-redirect': 'true' } });
  harness.fail.secret = new Fault('publication-refused', 'somebody else has it');
  await refused(harness, () => harness.service.enforce('app', 'web', {}, { requester }));
  assert.deepEqual(harness.rows.get('app/web'), earlier);
  delete harness.fail.secret;
  const answer = await harness.service.enforce('app', 'web', {}, { requester });
  assert.equal(answer.annotations.before[`${prefix}force-ssl-redirect`], 'true');
  assert.notEqual(harness.rows.get('app/web')?.uid, earlier?.uid);
});

test('without a record nothing is written at all', async (t) => {
  const harness = await start(t);
  harness.fail.put = new Fault('database-unavailable', 'away');
  const fault = await refused(harness, () => harness.service.enforce('app', 'web', {}, { requester }));
  assert.equal(fault.code, 'database-unavailable');
  assert.deepEqual(harness.events, []);
});

test('a change between reading and writing is judged anew', async (t) => {
  const harness = await start(t);
  let changes = 0;
  harness.server.interfere((call) => {
    if (call.verb === 'patch' && changes === 0) {
      changes += 1;
      harness.place({ annotations: { 'force-ssl-redirect': 'true', touched: 'yes' } }, 'somebody');
    }
    return undefined;
  });
  const answer = await harness.service.enforce('app', 'web', {}, { requester });
  assert.equal(changes, 1);
  assert.equal(answer.annotations.before[`${prefix}force-ssl-redirect`], 'true');
});

test('a change that makes it unsafe is refused in that second look', async (t) => {
  const harness = await start(t);
  let changes = 0;
  harness.server.interfere((call) => {
    if (call.verb === 'patch' && changes === 0) {
      changes += 1;
      harness.place({ annotations: { canary: 'true' } }, 'somebody');
    }
    return undefined;
  });
  await assert.rejects(harness.service.enforce('app', 'web', {}, { requester }), { code: 'ingress-unsafe' });
  assert.deepEqual(await harness.annotations(), prefixed({ canary: 'true' }));
  assert.equal(harness.rows.size, 0);
});

test('an Ingress deleted meanwhile is not created anew', async (t) => {
  const harness = await start(t);
  harness.server.interfere((call) => {
    if (call.verb === 'patch') harness.server.remove('networking.k8s.io/v1', 'Ingress', 'app', 'web');
    return undefined;
  });
  await assert.rejects(harness.service.enforce('app', 'web', {}, { requester }), {
    code: 'ingress-not-found',
  });
  await assert.rejects(harness.live());
  assert.equal(harness.rows.size, 0);
});

test('an Ingress made anew meanwhile is judged anew', async (t) => {
  const harness = await start(t);
  let changes = 0;
  harness.server.interfere((call) => {
    if (call.verb === 'patch' && changes === 0) {
      changes += 1;
      harness.server.remove('networking.k8s.io/v1', 'Ingress', 'app', 'web');
      harness.place({ annotations: {} });
    }
    return undefined;
  });
  const answer = await harness.service.enforce('app', 'web', {}, { requester });
  assert.equal(answer.annotations.before[`${prefix}force-ssl-redirect`], null);
});

test('something that alters our annotations is found out and refused', async (t) => {
  const harness = await start(t);
  let step: 'start' | 'patched' | 'altered' = 'start';
  harness.server.interfere((call) => {
    if (call.verb === 'get' && call.type.plural === 'ingresses' && step === 'patched') {
      step = 'altered';
      const annotations = { ...written, [`${prefix}auth-tls-verify-client`]: 'off' };
      harness.place({ metadata: { annotations } }, 'policy-engine');
    }
    if (call.verb === 'patch' && step === 'start') step = 'patched';
    return undefined;
  });
  await assert.rejects(harness.service.enforce('app', 'web', {}, { requester }), (error) => {
    assert.ok(error instanceof Fault);
    assert.deepEqual(codes(error.reasons), ['annotation-altered']);
    return true;
  });
  const { [`${prefix}force-ssl-redirect`]: redirect, ...rest } = await harness.annotations();
  assert.equal(redirect, 'false');
  assert.deepEqual(rest, { [`${prefix}auth-tls-verify-client`]: 'off' });
  assert.equal(harness.rows.size, 0);
});

test('an Ingress made anew right after the write is enforced, too', async (t) => {
  const harness = await start(t);
  let step: 'start' | 'patched' | 'anew' = 'start';
  harness.server.interfere((call) => {
    if (call.verb === 'get' && call.type.plural === 'ingresses' && step === 'patched') {
      step = 'anew';
      harness.server.remove('networking.k8s.io/v1', 'Ingress', 'app', 'web');
      harness.place();
    }
    if (call.verb === 'patch' && step === 'start') step = 'patched';
    return undefined;
  });
  const answer = await harness.service.enforce('app', 'web', {}, { requester });
  assert.equal(step, 'anew');
  assert.deepEqual(await harness.annotations(), written);
  assert.equal(answer.annotations.before[`${prefix}force-ssl-redirect`], null);
});

test('a GitOps tool that will fight back is named', async (t) => {
  const harness = await startHarness(t);
  harness.place({ annotations: { 'force-ssl-redirect': 'false' } }, 'argocd-controller');
  const { warnings } = await harness.service.enforce('app', 'web', {}, { requester });
  assert.deepEqual(codes(warnings), ['annotation-taken-over', 'gitops-will-revert']);
  assert.match(warnings[1]?.detail ?? '', /argocd-controller/);
});

test('what is not there is 404, whichever it is', async (t) => {
  const { service } = await start(t);
  const enforce = (namespace: string, name: string, authority?: string) =>
    service.enforce(namespace, name, authority === undefined ? {} : { authority }, { requester });
  await assert.rejects(enforce('app', 'nothing'), { code: 'ingress-not-found' });
  await assert.rejects(enforce('nowhere', 'web'), { code: 'namespace-not-found' });
  await assert.rejects(enforce('app', 'web', 'nobody'), { code: 'authority-not-found' });
  await assert.rejects(service.enforce('app', 'web', { controller: 'iis' }, { requester }), {
    code: 'request-invalid',
    field: 'controller',
  });
});

test('two Ingresses of a host are judged one after the other', async (t) => {
  const harness = await startHarness(t);
  harness.place();
  harness.place({ name: 'api', paths: ['/api'] });
  const both = await Promise.allSettled([
    harness.service.enforce('app', 'web', {}, { requester }),
    harness.service.enforce('app', 'api', { mode: 'optional' }, { requester }),
  ]);
  assert.deepEqual(
    both.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  );
  assert.equal((await harness.annotations('api'))[`${prefix}auth-tls-secret`], undefined);
});
