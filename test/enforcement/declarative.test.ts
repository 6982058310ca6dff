import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { declarationOf } from '../../src/enforcement/declaration.ts';
import { eventually } from '../support/eventually.ts';
import { codes, ingress, prefix, prefixed, verifyUrlFor } from './fixtures.ts';
import { type Harness, requester, startHarness } from './harness.ts';

/** An Ingress that asks by its own annotations, as GitOps writes them. */

const asks = 'internal-ca.io/client-verification';
const policy = { declarativeNamespaces: ['app'] };
const ours = prefixed({
  'auth-tls-secret': 'app/internal-ca',
  'auth-tls-verify-client': 'on',
  'auth-tls-verify-depth': '1',
  'auth-tls-pass-certificate-to-upstream': 'true',
  'force-ssl-redirect': 'true',
});

async function leading(t: TestContext, settings: object = policy): Promise<Harness> {
  const harness = await startHarness(t, settings);
  await harness.lead();
  return harness;
}

/** As a GitOps tool applies its manifest: its own annotations change, ours stay. */
async function apply(
  harness: Harness,
  wanted: Readonly<Record<string, string>>,
  name = 'web',
): Promise<void> {
  const live = harness.server.read('networking.k8s.io/v1', 'Ingress', 'app', name);
  const present = live === undefined ? {} : await harness.annotations(name);
  const kept = Object.entries(present).filter(([key]) => key in ours && !(key in wanted));
  harness.place({ name, metadata: { annotations: { ...Object.fromEntries(kept), ...wanted } } }, 'flux');
}

function stands(harness: Harness, annotations: Readonly<Record<string, string>>): Promise<void> {
  return eventually(async () => assert.deepEqual(await harness.annotations(), annotations));
}

function told(harness: Harness, reason: string): Promise<string> {
  return eventually(() => {
    const event = harness.told.find((each) => each.reason === reason);
    assert.ok(event, `no Event ${reason} among ${harness.told.map((each) => each.reason)}`);
    return event.message;
  });
}

test('the record comes first, then the Secret, and both before the annotations', async (t) => {
  const harness = await startHarness(t, policy);
  harness.server.interfere(({ verb }) => {
    if (verb === 'patch') harness.events.push('annotations');
    return undefined;
  });
  // Looked at again and again, also before the watch has told of our own write: that is no reason to write once more.
  const leader = await harness.lead({ sweepMs: 1 });
  await apply(harness, { [asks]: 'on' });
  await stands(harness, { [asks]: 'on', ...ours });
  const inOrder = ['put applying', 'secret app', 'annotations', 'put applied'];
  await eventually(() => assert.ok(harness.events.includes('put applied')));
  await told(harness, 'ClientVerificationEnforced');
  await leader.stop();
  assert.deepEqual(harness.events, inOrder);
});

test('asked for by annotation, it is enforced; taken away, it is undone', async (t) => {
  const harness = await leading(t);
  await apply(harness, { [asks]: 'on', [`${prefix}proxy-body-size`]: '1m' });
  await stands(harness, { [asks]: 'on', [`${prefix}proxy-body-size`]: '1m', ...ours });
  assert.match(await told(harness, 'ClientVerificationEnforced'), /\(on\).*a\.example.*by annotation/);
  const answer = await harness.service.state('app', 'web');
  assert.deepEqual([answer.state, answer.origin, answer.requester], ['Enforced', 'annotation', 'annotation']);
  await apply(harness, { [`${prefix}proxy-body-size`]: '1m' });
  await stands(harness, { [`${prefix}proxy-body-size`]: '1m' });
  await told(harness, 'ClientVerificationUndone');
  await eventually(() => assert.equal(harness.rows.size, 0));
  assert.ok(harness.events.includes('remove unwanted'));
});

test('every member of a wish can be asked for, and asked for otherwise later', async (t) => {
  const harness = await leading(t);
  await apply(harness, {
    [asks]: 'on',
    [`${asks}-authority`]: 'deep',
    [`${asks}-controller`]: 'ingress-nginx',
    [`${asks}-pass-certificate`]: 'false',
    [`${asks}-error-page`]: 'https://help.example/x',
    [`${asks}-match-common-name`]: 'alice',
  });
  await eventually(async () => {
    const all = await harness.annotations();
    assert.equal(all[`${prefix}auth-tls-verify-depth`], '2');
    assert.equal(all[`${prefix}auth-tls-pass-certificate-to-upstream`], 'false');
    assert.equal(all[`${prefix}auth-tls-error-page`], 'https://help.example/x');
    assert.match(all[`${prefix}auth-tls-match-cn`] ?? '', /CN=alice/);
  });
  await apply(harness, { [asks]: 'optional' });
  await eventually(async () => {
    const all = await harness.annotations();
    assert.equal(all[`${prefix}auth-tls-verify-client`], 'optional');
    assert.equal(all[`${prefix}auth-tls-match-cn`], undefined);
  });
});

test('online revocation and whom to let in can be asked for; rules are read as a call would', async (t) => {
  const harness = await leading(t);
  const wish = {
    [`${asks}-revocation`]: 'online',
    [`${asks}-allow`]: '[{"commonName":"alice"},{"dns":"*.A.example"}]',
  };
  await apply(harness, { [asks]: 'on', ...wish });
  await eventually(async () => {
    const all = await harness.annotations();
    assert.equal(all[`${prefix}auth-url`], verifyUrlFor('app', 'web'));
  });
  const { revocation, allow } = await harness.service.state('app', 'web');
  assert.deepEqual(revocation, { wished: 'online', effective: 'online' });
  assert.deepEqual(allow, [{ commonName: 'alice' }, { dns: '*.a.example' }]);
});

test('closed by default, and open only where both lists say so; the refusal is told', async (t) => {
  for (const settings of [{}, { declarativeNamespaces: ['shop'] }, { ...policy, namespaces: ['shop'] }]) {
    const harness = await leading(t, settings);
    await apply(harness, { [asks]: 'on' });
    assert.match(await told(harness, 'ClientVerificationRefused'), /namespace app.*DECLARATIVE/);
    assert.deepEqual(await harness.annotations(), { [asks]: 'on' });
    assert.equal(harness.rows.size, 0);
  }
});

test('what is no value is refused with its name and writes nothing', async (t) => {
  const harness = await leading(t);
  for (const [name, value] of [
    [asks, 'off'],
    [asks, 'On'],
    [asks, ''],
    [`${asks}-pass-certificate`, 'yes'],
    [`${asks}-controller`, 'traefik'],
    [`${asks}-authority`, 'a/b'],
    [`${asks}-error-page`, ''],
    [`${asks}-match-common-name`, 'x'.repeat(65)],
    [`${asks}-passcertificate`, 'true'],
    [`${asks}-revocation`, 'ocsp'],
    [`${asks}-allow`, 'alice'],
    [`${asks}-allow`, '[]'],
    [`${asks}-allow`, '[{"commonName":"alice","dns":"a.example"}]'],
  ] as const) {
    harness.told.length = 0;
    await apply(harness, { [asks]: 'on', [name]: value });
    const message = await told(harness, 'ClientVerificationRefused');
    assert.ok(message.includes(name), message);
    assert.deepEqual(await harness.annotations(), { [asks]: 'on', [name]: value });
    harness.server.remove('networking.k8s.io/v1', 'Ingress', 'app', 'web');
  }
  assert.equal(harness.rows.size, 0);
});

test('an invalid value on an enforced one keeps what is enforced, drift repair included', async (t) => {
  const harness = await leading(t);
  await apply(harness, { [asks]: 'on' });
  await stands(harness, { [asks]: 'on', ...ours });
  await apply(harness, { [asks]: 'offf' });
  await told(harness, 'ClientVerificationRefused');
  assert.deepEqual(codes((await harness.service.state('app', 'web')).warnings), ['declaration-invalid']);
  harness.place({ metadata: { annotations: { [asks]: 'offf' } } }, 'flux');
  await stands(harness, { [asks]: 'offf', ...ours });
});

test('a wish that cannot be made safe is recorded as Unsafe and writes nothing, until it can', async (t) => {
  const harness = await leading(t);
  harness.place({ tlsHosts: [], metadata: { annotations: { [asks]: 'on' } } }, 'flux');
  assert.match(await told(harness, 'ClientVerificationUnsafe'), /spec\.tls/);
  const answer = await harness.service.state('app', 'web');
  assert.deepEqual([answer.state, answer.revocationEnforced], ['Unsafe', false]);
  assert.deepEqual(await harness.annotations(), { [asks]: 'on' });
  harness.place({ metadata: { annotations: { [asks]: 'on' } } }, 'flux');
  await stands(harness, { [asks]: 'on', ...ours });
});

test('an enforced one whose new wish is not safe keeps the old one', async (t) => {
  const harness = await leading(t);
  await apply(harness, { [asks]: 'on' });
  await stands(harness, { [asks]: 'on', ...ours });
  const wanted = { [asks]: 'optional', [`${asks}-match-common-name`]: 'alice' };
  await apply(harness, wanted);
  assert.match(await told(harness, 'ClientVerificationRefused'), /mode "on" only/);
  assert.deepEqual(await harness.annotations(), { ...wanted, ...ours });
  const answer = await harness.service.state('app', 'web');
  assert.deepEqual([answer.mode, answer.state], ['on', 'Enforced']);
  assert.deepEqual(codes(answer.warnings), ['declaration-unsafe']);
  assert.match(answer.warnings[0]?.detail ?? '', /is not carried out: .*mode "on" only/);
  await apply(harness, { [asks]: 'on' });
  assert.deepEqual((await harness.service.state('app', 'web')).warnings, []);
});

/** `optional` and a common name contradict each other. */
const refused = { [asks]: 'optional', [`${asks}-match-common-name`]: 'alice' };

test('annotations taken off beside a declaration that is refused come back, also under the next leader', async (t) => {
  const harness = await startHarness(t, policy);
  const leader = await harness.lead();
  await apply(harness, { [asks]: 'on' });
  await stands(harness, { [asks]: 'on', ...ours });
  harness.place({ metadata: { annotations: refused } }, 'flux');
  await stands(harness, { ...refused, ...ours });
  await leader.stop();
  harness.place({ metadata: { annotations: refused } }, 'flux');
  await harness.lead();
  await stands(harness, { ...refused, ...ours });
  assert.deepEqual((await harness.service.state('app', 'web')).mode, 'on');
});

test('what a call enforced is kept up beside a declaration that is refused, also on an Ingress made anew', async (t) => {
  const harness = await leading(t);
  harness.place({ annotations: {} });
  await harness.service.enforce('app', 'web', {}, { requester });
  harness.place({ metadata: { annotations: refused } }, 'kubectl-edit');
  await stands(harness, { ...refused, ...ours });
  harness.server.remove('networking.k8s.io/v1', 'Ingress', 'app', 'web');
  harness.place({ metadata: { annotations: refused } }, 'kubectl-edit');
  await stands(harness, { ...refused, ...ours });
  const answer = await harness.service.state('app', 'web');
  assert.deepEqual([answer.mode, answer.origin, answer.requester], ['on', 'api', requester]);
  // It takes over as soon as it can be had.
  await apply(harness, { [asks]: 'optional' });
  await stands(harness, { [asks]: 'optional', ...ours, [`${prefix}auth-tls-verify-client`]: 'optional' });
});

test('of two declarations that were refused the first is not carried out when it could be', async (t) => {
  const harness = await leading(t);
  harness.place({ tlsHosts: [], metadata: { annotations: { [asks]: 'on' } } }, 'flux');
  await told(harness, 'ClientVerificationUnsafe');
  harness.place({ metadata: { annotations: refused } }, 'flux');
  await eventually(async () =>
    assert.equal((await harness.service.state('app', 'web')).matchCommonName, 'alice'),
  );
  assert.deepEqual(await harness.annotations(), refused);
});

test('what its own manifest contradicts is a conflict with its name, not a takeover', async (t) => {
  const harness = await leading(t);
  await apply(harness, { [asks]: 'on', [`${prefix}force-ssl-redirect`]: 'false' });
  assert.match(await told(harness, 'FieldManagerConflict'), /force-ssl-redirect is "false" by flux/);
  const answer = await harness.service.state('app', 'web');
  assert.deepEqual([answer.state, answer.observed.conflicts.length], ['Conflict', 1]);
  // All or nothing: a half of the annotations may mean something else.
  assert.deepEqual(await harness.annotations(), { [asks]: 'on', [`${prefix}force-ssl-redirect`]: 'false' });
  await apply(harness, { [asks]: 'on', [`${prefix}force-ssl-redirect`]: 'true' });
  await stands(harness, { [asks]: 'on', ...ours });
});

test('a call cannot overrule it, and says where to change it', async (t) => {
  const harness = await leading(t);
  await apply(harness, { [asks]: 'on' });
  await stands(harness, { [asks]: 'on', ...ours });
  const refused = { code: 'conflict', reasons: [{ code: 'declared-by-annotation' }] };
  for (const call of [
    () => harness.service.enforce('app', 'web', { mode: 'off' }, { requester }),
    () => harness.service.enforce('app', 'web', {}, { requester, dryRun: true }),
    () => harness.service.undo('app', 'web', { requester }),
  ]) {
    await assert.rejects(call, (error: typeof refused) => {
      assert.deepEqual([error.code, codes(error.reasons)], ['conflict', ['declared-by-annotation']]);
      return true;
    });
  }
  await stands(harness, { [asks]: 'on', ...ours });
});

test('an annotation that nobody has to obey does not stand in the way of a call', async (t) => {
  const harness = await leading(t, {});
  await apply(harness, { [asks]: 'optional' });
  const answer = await harness.service.enforce('app', 'web', {}, { requester });
  assert.deepEqual([answer.origin, answer.mode], ['api', 'on']);
  await stands(harness, { [asks]: 'optional', ...ours });
  await harness.service.undo('app', 'web', { requester });
  await stands(harness, { [asks]: 'optional' });
});

test('the annotation adopts what a call enforced; what stood before is still what comes back', async (t) => {
  const harness = await leading(t);
  harness.place({ annotations: { 'force-ssl-redirect': 'false' } }, 'flux');
  await harness.service.enforce('app', 'web', {}, { requester });
  harness.place({ metadata: { annotations: { [asks]: 'on', ...ours } } }, 'flux');
  await eventually(async () =>
    assert.equal((await harness.service.state('app', 'web')).origin, 'annotation'),
  );
  harness.place({ metadata: { annotations: ours } }, 'flux');
  await stands(harness, prefixed({ 'force-ssl-redirect': 'false' }));
  await eventually(() => assert.equal(harness.rows.size, 0));
});

test('with the Ingress its wish is gone, also when nobody led at that moment', async (t) => {
  const harness = await startHarness(t, policy);
  const first = await harness.lead();
  await apply(harness, { [asks]: 'on' });
  await stands(harness, { [asks]: 'on', ...ours });
  harness.server.remove('networking.k8s.io/v1', 'Ingress', 'app', 'web');
  await eventually(() => assert.equal(harness.rows.size, 0));
  await eventually(() => assert.ok(harness.events.includes('remove unwanted')));
  await apply(harness, { [asks]: 'on' });
  await stands(harness, { [asks]: 'on', ...ours });
  await first.stop();
  harness.server.remove('networking.k8s.io/v1', 'Ingress', 'app', 'web');
  harness.place();
  const second = await harness.lead();
  await eventually(() => assert.equal(harness.rows.size, 0));
  assert.deepEqual(await harness.annotations(), {});
  await apply(harness, { [asks]: 'on' });
  await stands(harness, { [asks]: 'on', ...ours });
  await second.stop();
  harness.server.remove('networking.k8s.io/v1', 'Ingress', 'app', 'web');
  await harness.lead();
  await eventually(() => assert.equal(harness.rows.size, 0));
});

test('made anew with the annotation, it is enforced anew', async (t) => {
  const harness = await leading(t);
  await apply(harness, { [asks]: 'on' });
  await stands(harness, { [asks]: 'on', ...ours });
  harness.server.remove('networking.k8s.io/v1', 'Ingress', 'app', 'web');
  await apply(harness, { [asks]: 'on' });
  await stands(harness, { [asks]: 'on', ...ours });
});

test('its own annotations are never written by us', async (t) => {
  const harness = await leading(t);
  await apply(harness, { [asks]: 'on' });
  await stands(harness, { [asks]: 'on', ...ours });
  const entries = (await harness.live()).metadata.managedFields ?? [];
  const own = entries.filter(({ manager }) => manager === 'internal-ca');
  assert.equal(own.length, 1);
  assert.ok(!JSON.stringify(own).includes('internal-ca.io/'));
});

test('of two Ingresses of a host with different wishes only one is enforced', async (t) => {
  const harness = await startHarness(t, policy);
  await apply(harness, { [asks]: 'on' }, 'one');
  await apply(harness, { [asks]: 'optional' }, 'two');
  await harness.lead();
  await eventually(async () => {
    const states = (await harness.service.list()).map(({ state }) => state).sort();
    assert.equal(states.length, 2);
    assert.ok(states.includes('Unsafe'), String(states));
  });
  const written = await Promise.all(['one', 'two'].map((name) => harness.annotations(name)));
  const enforced = written.filter((annotations) => `${prefix}auth-tls-secret` in annotations);
  assert.equal(enforced.length, 1);
});

test('companions without the annotation ask for nothing', () => {
  const alone = ingress({ metadata: { annotations: { [`${asks}-authority`]: 'x' } } });
  assert.deepEqual(declarationOf(alone), { kind: 'none' });
});
