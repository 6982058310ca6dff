import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { RevocationBudget } from '../../src/enforcement/revocation.ts';
import { Fault } from '../../src/fault.ts';
import { eventually } from '../support/eventually.ts';
import { codes, ingress, prefix, verifyUrlFor } from './fixtures.ts';
import { type Harness, requester, startHarness } from './harness.ts';

/** How a wish for live verification is carried out, and what the Secret's budget makes of a wish for the CRL. */

const authUrl = `${prefix}auth-url`;

/** A budget that the test sets. */
function budgetOf(harness: Harness) {
  const listeners = new Set<() => void>();
  const moved = new Set<string>();
  const budget: RevocationBudget = {
    movesOnline: (authority) => moved.has(authority),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  Object.assign(harness.parts, { budget });
  const tell = () => {
    for (const listener of listeners) listener();
  };
  return {
    listeners,
    exceed(authority = 'internal-ca') {
      moved.add(authority);
      tell();
    },
    shrink(authority = 'internal-ca') {
      moved.delete(authority);
      tell();
    },
  };
}

async function enforced(t: TestContext, wish: Parameters<Harness['service']['enforce']>[2] = {}) {
  const harness = await startHarness(t);
  harness.place();
  await harness.service.enforce('app', 'web', wish, { requester });
  return harness;
}

const asked = async (harness: Harness) => (await harness.annotations())[authUrl];

test('online is written with everything else in one apply, and given back with it', async (t) => {
  const harness = await startHarness(t);
  harness.place({ annotations: { 'auth-response-headers': 'X-User' } });
  const answer = await harness.service.enforce('app', 'web', { revocation: 'online' }, { requester });
  assert.deepEqual(answer.revocation, { wished: 'online', effective: 'online' });
  assert.equal(answer.revocationEnforced, true);
  assert.equal(await asked(harness), verifyUrlFor('app', 'web'));
  const state = await harness.service.state('app', 'web');
  assert.deepEqual([state.state, state.revocation.effective], ['Enforced', 'online']);
  await harness.service.undo('app', 'web', { requester });
  assert.deepEqual(await harness.annotations(), { [`${prefix}auth-response-headers`]: 'X-User' });
});

test('a later wish for the CRL takes the question away and leaves the rest', async (t) => {
  const harness = await enforced(t, { revocation: 'both', allow: [{ commonName: 'alice' }] });
  await harness.service.enforce('app', 'web', {}, { requester });
  const all = await harness.annotations();
  assert.deepEqual([all[authUrl], all[`${prefix}auth-tls-verify-client`]], [undefined, 'on']);
  const { revocation, allow } = await harness.service.state('app', 'web');
  assert.deepEqual([revocation, allow], [{ wished: 'crl', effective: 'crl' }, undefined]);
});

test('an auth-url of somebody else is neither overruled nor forgotten', async (t) => {
  const harness = await startHarness(t);
  harness.place({ annotations: { 'auth-url': 'https://sso.example' } });
  await assert.rejects(
    harness.service.enforce('app', 'web', { revocation: 'online' }, { requester }),
    (error) =>
      error instanceof Fault && error.reasons.some(({ code }) => code === 'auth-annotation-in-the-way'),
  );
  assert.equal(await asked(harness), 'https://sso.example');
  assert.equal(harness.rows.size, 0);
});

test('an auth-url that comes later is drift of ours: reported, and not fought', async (t) => {
  const harness = await enforced(t, { revocation: 'online' });
  harness.server.put(
    {
      ...(await harness.live()),
      metadata: {
        ...(await harness.live()).metadata,
        annotations: { ...(await harness.annotations()), [authUrl]: 'https://sso.example' },
      },
    },
    'kubectl',
  );
  const { state, observed } = await harness.service.state('app', 'web');
  assert.equal(state, 'Conflict');
  assert.deepEqual(
    observed.conflicts.map(({ annotation }) => annotation),
    [authUrl],
  );
});

test('rules that are none, and rules without anybody to ask, are the caller’s mistake', async (t) => {
  const harness = await startHarness(t);
  harness.place();
  const refused = (wish: Parameters<Harness['service']['enforce']>[2]) =>
    harness.service.enforce('app', 'web', wish, { requester }).then(
      () => 'done',
      (error: unknown) => (error instanceof Fault ? [error.code, ...codes(error.reasons)] : error),
    );
  assert.deepEqual(await refused({ revocation: 'online', allow: [{ dns: 'no host!' }] }), [
    'request-invalid',
  ]);
  assert.deepEqual(await refused({ allow: [{ commonName: 'alice' }] }), [
    'ingress-unsafe',
    'allow-needs-online',
  ]);
});

test('a CRL that outgrows its Secret moves its Ingresses to both at once, and back', async (t) => {
  const harness = await enforced(t);
  const budget = budgetOf(harness);
  await harness.lead({ sweepMs: 3_600_000 });
  await eventually(() => assert.equal(budget.listeners.size, 1));
  budget.exceed('another');
  budget.exceed();
  await eventually(async () => assert.equal(await asked(harness), verifyUrlFor('app', 'web')));
  await eventually(async () => {
    const { state, revocation } = await harness.service.state('app', 'web');
    assert.equal(state, 'Enforced');
    assert.deepEqual(
      [revocation.wished, revocation.effective, revocation.why?.code],
      ['crl', 'both', 'secret-over-budget'],
    );
  });
  budget.shrink();
  await eventually(async () => {
    assert.equal(await asked(harness), undefined);
    assert.deepEqual((await harness.service.state('app', 'web')).revocation, {
      wished: 'crl',
      effective: 'crl',
    });
  });
});

test('one that cannot ask keeps its CRL and says why', async (t) => {
  const harness = await enforced(t, { passCertificate: false });
  const budget = budgetOf(harness);
  await harness.lead();
  budget.exceed();
  await eventually(async () => {
    const { state, revocation, warnings } = await harness.service.state('app', 'web');
    assert.deepEqual(
      [state, revocation.effective, revocation.why?.code],
      ['Enforced', 'crl', 'online-not-possible'],
    );
    assert.ok(codes(warnings).includes('online-not-possible'));
  });
  assert.equal(await asked(harness), undefined);
});

test('one that was moved goes on asking when something stands in the way later: its Secret may have no CRL', async (t) => {
  const harness = await enforced(t);
  const budget = budgetOf(harness);
  await harness.lead();
  budget.exceed();
  await eventually(async () => assert.equal(await asked(harness), verifyUrlFor('app', 'web')));
  const live = await harness.live();
  const annotations = { ...live.metadata.annotations, [`${prefix}satisfy`]: 'any' };
  harness.server.put({ ...live, metadata: { ...live.metadata, annotations } }, 'kubectl');
  await eventually(async () => {
    const { state, revocation, observed } = await harness.service.state('app', 'web');
    assert.deepEqual([state, revocation.effective], ['Unsafe', 'both']);
    assert.deepEqual(codes(observed.problems), ['satisfy-any']);
  });
  assert.equal(await asked(harness), verifyUrlFor('app', 'web'));
});

for (const revocation of ['crl', 'both', 'online'] as const) {
  test(`VERIFY_URL is taken away: who asks, by a wish for ${revocation}, goes on asking where it did`, async (t) => {
    const harness = await enforced(t, { revocation });
    const budget = budgetOf(harness);
    await harness.lead();
    budget.exceed();
    await eventually(async () => assert.equal(await asked(harness), verifyUrlFor('app', 'web')));
    Object.assign(harness.parts, { verifyUrlFor: undefined });
    const ours = `${prefix}auth-tls-verify-client`;
    // That it was looked at again is seen by what is put back.
    const live = await harness.live();
    const { [ours]: _taken, ...annotations } = live.metadata.annotations ?? {};
    harness.server.put({ ...live, metadata: { ...live.metadata, annotations } }, 'kubectl');
    await eventually(async () => assert.equal((await harness.annotations())[ours], 'on'));
    const { state, observed } = await harness.service.state('app', 'web');
    assert.equal(state, 'Unsafe');
    assert.deepEqual(codes(observed.problems), ['verify-url-unset']);
    assert.equal(await asked(harness), verifyUrlFor('app', 'web'));
  });
}

test('a new path of the host beside it is noticed in the record, so that a proof from before it does not count', async (t) => {
  const harness = await enforced(t, { revocation: 'both' });
  await harness.lead();
  const wholeHost = () =>
    harness.parts.records.find('app', 'web').then((record) => record?.revocation.wholeHost);
  assert.equal(await wholeHost(), true);
  const before = await harness.parts.records.find('app', 'web');
  harness.clock.advance(1_000);
  harness.place({ name: 'other', paths: ['/o'] });
  await eventually(async () => assert.equal(await wholeHost(), false));
  const after = await harness.parts.records.find('app', 'web');
  assert.notEqual(after?.updatedAt.getTime(), before?.updatedAt.getTime());
  assert.deepEqual(ingress().metadata.name, 'web');
});
