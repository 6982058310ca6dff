import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Fault } from '../../src/fault.ts';
import { eventually } from '../support/eventually.ts';
import { codes, prefix, prefixed } from './fixtures.ts';
import { type Harness, requester, startHarness } from './harness.ts';

/** What the reconciler does to an Ingress that was enforced by a call. */

const ours = {
  'auth-tls-secret': 'app/internal-ca',
  'auth-tls-verify-client': 'on',
  'auth-tls-verify-depth': '1',
  'auth-tls-pass-certificate-to-upstream': 'true',
  'force-ssl-redirect': 'true',
};

async function enforced(t: TestContext, settings = {}): Promise<Harness> {
  const harness = await startHarness(t, settings);
  harness.place();
  await harness.service.enforce('app', 'web', {}, { requester });
  return harness;
}

/** Rewrites the annotations as another field manager would. */
async function change(
  harness: Harness,
  annotations: Readonly<Record<string, string | undefined>>,
  manager = 'kubectl-edit',
): Promise<void> {
  const all = { ...(await harness.annotations()), ...prefixedOrNone(annotations) };
  const kept = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined);
  harness.place({ metadata: { annotations: Object.fromEntries(kept) } }, manager);
}

function prefixedOrNone(annotations: Readonly<Record<string, string | undefined>>) {
  return Object.fromEntries(Object.entries(annotations).map(([name, value]) => [prefix + name, value]));
}

function stands(harness: Harness, annotations: Readonly<Record<string, string>>): Promise<void> {
  return eventually(async () => assert.deepEqual(await harness.annotations(), prefixed(annotations)));
}

function state(harness: Harness, expected: string): Promise<void> {
  return eventually(async () => assert.equal((await harness.service.state('app', 'web')).state, expected));
}

function told(harness: Harness, reason: string): Promise<string> {
  return eventually(() => {
    const event = harness.told.find((each) => each.reason === reason);
    assert.ok(event, `no Event ${reason} among ${harness.told.map((each) => each.reason)}`);
    return event.message;
  });
}

/** Long enough for what would have happened by itself. */
const rest = () => new Promise((resolve) => setTimeout(resolve, 200));

function patches(harness: Harness): number {
  return harness.server.calls.filter(({ verb, resource }) => verb === 'patch' && resource === 'ingresses')
    .length;
}

test('what somebody took away comes back, all of it or a part, and it is told', async (t) => {
  const harness = await enforced(t);
  await harness.lead();
  await change(harness, { 'auth-tls-secret': undefined, 'auth-tls-verify-client': undefined });
  await stands(harness, ours);
  assert.match(await told(harness, 'DriftRepaired'), /auth-tls-secret.*auth-tls-verify-client/);
  harness.place();
  await stands(harness, ours);
});

test('what changed while nobody led is found at the beginning of the next term', async (t) => {
  const harness = await enforced(t);
  const first = await harness.lead();
  await first.stop();
  await change(harness, { 'auth-tls-secret': undefined });
  await harness.lead();
  await stands(harness, ours);
});

test('what somebody else set and holds is reported with its name, and not fought', async (t) => {
  const harness = await enforced(t);
  await harness.lead();
  await change(harness, { 'auth-tls-verify-client': 'off' }, 'argocd-controller');
  const message = await told(harness, 'FieldManagerConflict');
  assert.match(message, /auth-tls-verify-client is "off" by argocd-controller, and should be "on"/);
  const answer = await harness.service.state('app', 'web');
  assert.deepEqual([answer.state, answer.revocationEnforced], ['Conflict', false]);
  assert.deepEqual(answer.observed.conflicts, [
    {
      annotation: `${prefix}auth-tls-verify-client`,
      manager: 'argocd-controller',
      found: 'off',
      wanted: 'on',
    },
  ]);
  assert.equal((await harness.annotations())[`${prefix}auth-tls-verify-client`], 'off');
});

test('beside what another one holds, ours is still put back', async (t) => {
  const harness = await enforced(t);
  await harness.lead();
  await change(harness, { 'auth-tls-pass-certificate-to-upstream': 'false' }, 'helm');
  await state(harness, 'Conflict');
  await change(harness, { 'auth-tls-secret': undefined }, 'kubectl-edit');
  await stands(harness, { ...ours, 'auth-tls-pass-certificate-to-upstream': 'false' });
});

test('when the other one lets go, it converges', async (t) => {
  const harness = await enforced(t);
  await harness.lead();
  await change(harness, { 'auth-tls-verify-client': 'off' }, 'helm');
  await state(harness, 'Conflict');
  await change(harness, { 'auth-tls-verify-client': undefined }, 'helm');
  await stands(harness, ours);
  await state(harness, 'Enforced');
});

test('an explicit PUT takes over what another one holds', async (t) => {
  const harness = await enforced(t);
  await harness.lead();
  await change(harness, { 'auth-tls-verify-client': 'off' }, 'helm');
  await state(harness, 'Conflict');
  await harness.service.enforce('app', 'web', {}, { requester });
  await stands(harness, ours);
});

test('a tool that takes ours away again and again is let be, named, and tried again rarely', async (t) => {
  const harness = await enforced(t);
  await harness.lead();
  let removed = 0;
  await eventually(async () => {
    if ((await harness.annotations())[`${prefix}auth-tls-secret`] !== undefined) {
      harness.place({}, 'sync-tool');
      removed += 1;
    }
    assert.equal((await harness.service.state('app', 'web')).state, 'Conflict');
  });
  assert.equal(removed, 6);
  const answer = await harness.service.state('app', 'web');
  assert.deepEqual(codes(answer.observed.problems), ['taken-away-again']);
  assert.deepEqual([...new Set(answer.observed.conflicts.map(({ manager }) => manager))], ['sync-tool']);
  assert.match(await told(harness, 'FieldManagerConflict'), /auth-tls-secret is not there by sync-tool/);
  // The wish stays; after the pause there is one attempt.
  harness.clock.advance(600_000);
  harness.place({ metadata: { labels: { touched: 'yes' } } }, 'sync-tool');
  await eventually(async () =>
    assert.equal((await harness.annotations())[`${prefix}auth-tls-secret`], 'app/internal-ca'),
  );
});

test('an Ingress made anew is enforced anew, and what stood on it is what comes back', async (t) => {
  const harness = await enforced(t);
  await harness.lead();
  const { uid } = (await harness.live()).metadata;
  harness.server.remove('networking.k8s.io/v1', 'Ingress', 'app', 'web');
  await state(harness, 'Missing');
  assert.equal(harness.rows.size, 1);
  // As its owner had it before: the call overruled that once, and does so on the new one.
  harness.place({ annotations: { 'force-ssl-redirect': 'false' } }, 'helm');
  await stands(harness, ours);
  await state(harness, 'Enforced');
  assert.notEqual(harness.rows.get('app/web')?.uid, uid);
  await harness.service.undo('app', 'web', { requester });
  assert.deepEqual(await harness.annotations(), prefixed({ 'force-ssl-redirect': 'false' }));
});

test('a new one that cannot be made safe is Unsafe, untouched, and taken up when it can', async (t) => {
  const harness = await enforced(t);
  await harness.lead();
  harness.server.remove('networking.k8s.io/v1', 'Ingress', 'app', 'web');
  harness.place({ tlsHosts: [] });
  assert.match(await told(harness, 'ClientVerificationUnsafe'), /spec\.tls names no certificate/);
  const answer = await harness.service.state('app', 'web');
  assert.deepEqual([answer.state, answer.revocationEnforced], ['Unsafe', false]);
  assert.deepEqual(codes(answer.observed.problems), ['tls-missing']);
  assert.deepEqual(await harness.annotations(), {});
  harness.place();
  await stands(harness, ours);
});

test('what a neighbour does to it is told once, and so is its end', async (t) => {
  const harness = await enforced(t);
  await harness.lead({ resyncMs: 20 });
  harness.place({ name: 'side', paths: ['/side'], annotations: { 'ssl-redirect': 'false' } });
  assert.match(await told(harness, 'ClientVerificationUnsafe'), /app\/side serves paths of a\.example/);
  await state(harness, 'Unsafe');
  await rest();
  assert.equal(harness.told.filter(({ reason }) => reason === 'ClientVerificationUnsafe').length, 1);
  harness.told.length = 0;
  harness.server.remove('networking.k8s.io/v1', 'Ingress', 'app', 'side');
  await told(harness, 'ClientVerificationEnforced');
});

test('the hosts of the record follow the Ingress', async (t) => {
  const harness = await enforced(t);
  await harness.lead();
  const before = patches(harness);
  harness.place({ hosts: ['a.example', 'b.example'], annotations: ours }, 'kubectl-edit');
  await eventually(async () =>
    assert.deepEqual((await harness.service.state('app', 'web')).hosts, ['a.example', 'b.example']),
  );
  assert.equal(patches(harness), before);
});

test('a call that died before the annotations is finished', async (t) => {
  const harness = await startHarness(t);
  harness.place({ annotations: { 'force-ssl-redirect': 'false' } });
  harness.server.interfere(({ verb }) => (verb === 'patch' ? { status: 503 } : undefined));
  await assert.rejects(harness.service.enforce('app', 'web', {}, { requester }));
  harness.server.interfere(undefined);
  assert.equal((await harness.service.state('app', 'web')).state, 'Pending');
  await harness.lead();
  await stands(harness, ours);
  await harness.service.undo('app', 'web', { requester });
  assert.deepEqual(await harness.annotations(), prefixed({ 'force-ssl-redirect': 'false' }));
});

test('a call that died after the annotations only lacks its mark', async (t) => {
  const harness = await enforced(t);
  const row = harness.rows.get('app/web');
  assert.ok(row);
  harness.rows.set('app/web', { ...row, spec: { ...Object(row.spec), state: 'applying' } });
  const before = patches(harness);
  await harness.lead();
  await eventually(() =>
    assert.match(JSON.stringify(harness.rows.get('app/web')?.spec), /"state":"applied"/),
  );
  assert.equal(patches(harness), before);
});

test('a chain that became longer is written where it is needed', async (t) => {
  const harness = await enforced(t);
  Object.assign(harness.parts.authorities, { get: (name: string) => ({ name, chain: [{}, {}] }) });
  await harness.lead();
  await stands(harness, { ...ours, 'auth-tls-verify-depth': '2' });
  await state(harness, 'Enforced');
});

test('what no watch tells is found by the next resync', async (t) => {
  const harness = await enforced(t);
  await harness.lead({ resyncMs: 300, sweepMs: 3_600_000 });
  // The first look at everything is over, and so is what the repair has stirred up.
  await change(harness, { 'auth-tls-secret': undefined });
  await stands(harness, ours);
  await rest();
  Object.assign(harness.parts.authorities, { get: (name: string) => ({ name, chain: [{}, {}] }) });
  await stands(harness, { ...ours, 'auth-tls-verify-depth': '2' });
});

test("a webhook's refusal is in the state and in the Event; the wish stays and is tried again", async (t) => {
  const harness = await enforced(t);
  let closed = true;
  harness.server.admit('policy.example', ({ type }) =>
    closed && type.plural === 'ingresses' ? 'no annotations on a Monday' : undefined,
  );
  await harness.lead();
  await change(harness, { 'auth-tls-secret': undefined });
  assert.match(await told(harness, 'ClientVerificationUnsafe'), /no annotations on a Monday/);
  // Not while it is being tried again.
  await eventually(async () => {
    const answer = await harness.service.state('app', 'web');
    assert.equal(answer.state, 'Drifted');
    assert.deepEqual(codes(answer.observed.problems), ['admission-denied']);
  });
  closed = false;
  await stands(harness, ours);
  await state(harness, 'Enforced');
  assert.deepEqual(harness.rows.get('app/web')?.trouble, []);
});

test('while the API server answers 429, 500 or 409, nothing is lost', async (t) => {
  const harness = await enforced(t);
  await harness.lead();
  const answers = [429, 500, 409, 503];
  harness.server.interfere(({ verb }) => {
    const status = verb === 'patch' ? answers.shift() : undefined;
    return status === undefined ? undefined : { status };
  });
  await change(harness, { 'auth-tls-secret': undefined });
  await stands(harness, ours);
  assert.deepEqual(answers, []);
});

test('nothing is written without the Secret beside it', async (t) => {
  const harness = await enforced(t);
  harness.fail.secret = new Fault('publication-refused', 'there is one of somebody else');
  await harness.lead();
  await change(harness, { 'auth-tls-secret': undefined });
  await eventually(async () =>
    assert.deepEqual(codes((await harness.service.state('app', 'web')).observed.problems), [
      'publication-refused',
    ]),
  );
  assert.equal((await harness.annotations())[`${prefix}auth-tls-secret`], undefined);
  delete harness.fail.secret;
  await stands(harness, ours);
});

test('where the configuration no longer lets us, nothing is put back', async (t) => {
  const harness = await enforced(t);
  Object.assign(harness.parts.settings, { namespaces: ['shop'] });
  await harness.lead();
  await change(harness, { 'auth-tls-secret': undefined });
  await told(harness, 'ClientVerificationUnsafe');
  assert.equal((await harness.annotations())[`${prefix}auth-tls-secret`], undefined);
});

test('an Ingress that is as wished is not written, however often it is looked at', async (t) => {
  const harness = await enforced(t);
  const before = patches(harness);
  const puts = harness.events.length;
  await harness.lead({ resyncMs: 20 });
  for (const label of ['a', 'b', 'c']) {
    harness.place({ annotations: ours, metadata: { annotations: prefixed(ours), labels: { label } } });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.equal(patches(harness), before);
  assert.equal(harness.events.length, puts);
});

test('a stale leader writes nothing', async (t) => {
  const harness = await enforced(t);
  const asked = Promise.withResolvers<void>();
  await harness.lead({}, async () => {
    asked.resolve();
    throw new Error('another one leads by now');
  });
  await change(harness, { 'auth-tls-secret': undefined });
  await asked.promise;
  await rest();
  assert.equal((await harness.annotations())[`${prefix}auth-tls-secret`], undefined);
});
