import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { codes, prefix, prefixed } from './fixtures.ts';
import { type Harness, requester, startHarness } from './harness.ts';

const original = { 'proxy-body-size': '1m', 'force-ssl-redirect': 'false', 'auth-tls-verify-depth': '3' };

async function enforced(t: TestContext): Promise<Harness> {
  const harness = await startHarness(t);
  harness.place({ annotations: original });
  await harness.service.enforce('app', 'web', { matchCommonName: 'alice' }, { requester });
  harness.events.length = 0;
  harness.server.calls.length = 0;
  return harness;
}

test('undo restores exactly what stood there, in one write, and lets go of the Secret', async (t) => {
  const harness = await enforced(t);
  const answer = await harness.service.undo('app', 'web', { requester: 'token:43' });
  assert.deepEqual(await harness.annotations(), prefixed(original));
  assert.deepEqual(
    harness.server.calls.map(({ verb }) => verb).filter((verb) => verb === 'patch'),
    ['patch'],
  );
  assert.deepEqual(harness.events, ['put undoing', 'delete', 'remove unwanted']);
  assert.deepEqual(
    [answer.state, answer.revocationEnforced, answer.requester],
    ['Undone', false, 'token:43'],
  );
  assert.deepEqual(answer.warnings, []);
});

test('undone is forgotten: the state is 404, and so is a second undo', async (t) => {
  const { service } = await enforced(t);
  await service.undo('app', 'web', { requester });
  await assert.rejects(service.state('app', 'web'), { code: 'client-verification-not-found' });
  await assert.rejects(service.undo('app', 'web', { requester }), { code: 'client-verification-not-found' });
});

test('enforced and undone again and again, the Ingress stays what it was', async (t) => {
  const harness = await enforced(t);
  await harness.service.undo('app', 'web', { requester });
  for (const mode of ['on', 'off', 'optional'] as const) {
    await harness.service.enforce('app', 'web', { mode }, { requester });
    await harness.service.undo('app', 'web', { requester });
    assert.deepEqual(await harness.annotations(), prefixed(original), mode);
  }
});

test('what somebody changed after us is left and reported', async (t) => {
  const harness = await enforced(t);
  const annotations = { ...(await harness.annotations()), [`${prefix}auth-tls-secret`]: 'app/their-ca' };
  harness.place({ metadata: { annotations } }, 'kubectl-edit');
  const answer = await harness.service.undo('app', 'web', { requester });
  assert.deepEqual(await harness.annotations(), prefixed({ ...original, 'auth-tls-secret': 'app/their-ca' }));
  assert.deepEqual(codes(answer.warnings), ['annotation-changed-since']);
  assert.match(
    answer.warnings[0]?.detail ?? '',
    /auth-tls-secret is "app\/their-ca" now, set by kubectl-edit/,
  );
});

test('what somebody removed after us stays removed', async (t) => {
  const harness = await enforced(t);
  const { [`${prefix}auth-tls-verify-depth`]: removed, ...annotations } = await harness.annotations();
  assert.equal(removed, '1');
  harness.place({ metadata: { annotations } }, 'kubectl-edit');
  const answer = await harness.service.undo('app', 'web', { requester });
  const { 'auth-tls-verify-depth': _theirs, ...rest } = original;
  assert.deepEqual(await harness.annotations(), prefixed(rest));
  assert.deepEqual(codes(answer.warnings), ['annotation-changed-since']);
});

test('an Ingress that is gone, or another of that name, is only forgotten', async (t) => {
  const harness = await enforced(t);
  harness.server.remove('networking.k8s.io/v1', 'Ingress', 'app', 'web');
  assert.equal((await harness.service.state('app', 'web')).state, 'Missing');
  harness.place({ annotations: { 'auth-tls-secret': 'app/internal-ca' } });
  assert.equal((await harness.service.state('app', 'web')).observed.ingress, 'recreated');
  const answer = await harness.service.undo('app', 'web', { requester });
  assert.deepEqual([answer.state, answer.observed.ingress], ['Undone', 'recreated']);
  assert.deepEqual(await harness.annotations(), prefixed({ 'auth-tls-secret': 'app/internal-ca' }));
  assert.deepEqual(codes(answer.warnings), ['secret-kept']);
  assert.ok(!harness.events.includes('remove unwanted'));
});

test('a dry run says so and writes nothing', async (t) => {
  const harness = await enforced(t);
  const live = await harness.live();
  const answer = await harness.service.undo('app', 'web', { requester, dryRun: true });
  assert.deepEqual([answer.state, answer.dryRun], ['Planned', true]);
  assert.deepEqual(await harness.live(), live);
  assert.equal(harness.rows.size, 1);
});

test('a change between looking and restoring is looked at again', async (t) => {
  const harness = await enforced(t);
  const theirs = `${prefix}auth-tls-secret`;
  const annotations = { ...(await harness.annotations()), [theirs]: 'app/their-ca' };
  let changes = 0;
  harness.server.interfere((call) => {
    if (call.verb === 'patch' && changes === 0) {
      changes += 1;
      harness.place({ metadata: { annotations } }, 'somebody');
    }
    return undefined;
  });
  await harness.service.undo('app', 'web', { requester });
  assert.deepEqual(await harness.annotations(), { ...prefixed(original), [theirs]: 'app/their-ca' });
});

test('while the API server is away nothing is forgotten', async (t) => {
  const harness = await enforced(t);
  await harness.server.stop();
  await assert.rejects(harness.service.undo('app', 'web', { requester }), { code: 'kubernetes-unavailable' });
  assert.equal(harness.rows.size, 1);
  await harness.server.start();
  await harness.service.undo('app', 'web', { requester });
  assert.deepEqual(await harness.annotations(), prefixed(original));
});

test('a call that the API server refuses leaves everything as it was', async (t) => {
  const harness = await enforced(t);
  harness.server.interfere(({ verb }) => (verb === 'patch' ? { status: 403 } : undefined));
  const row = harness.rows.get('app/web');
  await assert.rejects(harness.service.undo('app', 'web', { requester: 'token:43' }), {
    code: 'kubernetes-forbidden',
  });
  harness.server.interfere(undefined);
  assert.deepEqual(harness.rows.get('app/web'), row);
  assert.equal((await harness.service.state('app', 'web')).state, 'Enforced');
});
