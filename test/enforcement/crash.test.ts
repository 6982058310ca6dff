import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { prefix, prefixed } from './fixtures.ts';
import { type Harness, requester, startHarness } from './harness.ts';

/** A crash is an API server that never answers again, and a database that is gone with us: what counts is what is left. */

const original = { 'force-ssl-redirect': 'false' };

async function start(t: TestContext): Promise<Harness> {
  const harness = await startHarness(t);
  harness.place({ annotations: original });
  return harness;
}

/** The answer to the apply is lost; with `served` the API server has carried it out. */
function loseAnswer(harness: Harness, served: boolean): void {
  let lost = false;
  harness.server.interfere((call) => {
    if (call.verb === 'patch' && !served) return { status: 503 };
    if (call.verb === 'patch') lost = true;
    else if (lost) return { status: 503 };
    return undefined;
  });
}

test('died after the record, before the annotations: pending, and either way out works', async (t) => {
  const harness = await start(t);
  loseAnswer(harness, false);
  await assert.rejects(harness.service.enforce('app', 'web', {}, { requester }), {
    code: 'kubernetes-unavailable',
  });
  harness.server.interfere(undefined);
  assert.equal(harness.rows.size, 1);
  assert.deepEqual(await harness.annotations(), prefixed(original));
  const pending = await harness.service.state('app', 'web');
  assert.deepEqual([pending.state, pending.revocationEnforced], ['Pending', false]);
  assert.equal((await harness.service.undo('app', 'web', { requester })).state, 'Undone');
  assert.deepEqual(await harness.annotations(), prefixed(original));
});

test('died after the annotations: what stood before is known, and a repeated PUT keeps it', async (t) => {
  const harness = await start(t);
  loseAnswer(harness, true);
  await assert.rejects(harness.service.enforce('app', 'web', {}, { requester }), {
    code: 'kubernetes-unavailable',
  });
  harness.server.interfere(undefined);
  assert.equal((await harness.annotations())[`${prefix}force-ssl-redirect`], 'true');
  assert.equal((await harness.service.state('app', 'web')).state, 'Enforced');
  const again = await harness.service.enforce('app', 'web', { mode: 'optional' }, { requester });
  assert.equal(again.annotations.before[`${prefix}force-ssl-redirect`], 'false');
  await harness.service.undo('app', 'web', { requester });
  assert.deepEqual(await harness.annotations(), prefixed(original));
});

test('died while changing the wish: the annotations of the earlier one are still known', async (t) => {
  const harness = await start(t);
  await harness.service.enforce('app', 'web', { errorPage: '/sorry' }, { requester });
  loseAnswer(harness, false);
  await assert.rejects(harness.service.enforce('app', 'web', { mode: 'off' }, { requester }));
  harness.server.interfere(undefined);
  assert.equal((await harness.annotations())[`${prefix}auth-tls-error-page`], '/sorry');
  await harness.service.undo('app', 'web', { requester });
  assert.deepEqual(await harness.annotations(), prefixed(original));
});

test('an answer of "try again later" to a write that did happen is no failure', async (t) => {
  const harness = await start(t);
  await harness.service.enforce('app', 'web', {}, { requester });
  const metadata = { annotations: await harness.annotations() };
  await harness.service.undo('app', 'web', { requester });
  harness.server.interfere((call) => {
    if (call.verb !== 'patch') return undefined;
    harness.place({ metadata }, 'internal-ca');
    return { status: 503 };
  });
  const answer = await harness.service.enforce('app', 'web', {}, { requester });
  assert.equal(answer.state, 'Enforced');
});

test('a write that was sent twice and met its own new version is no failure', async (t) => {
  const harness = await start(t);
  let lost = false;
  harness.server.interfere((call) => {
    if (call.verb !== 'patch' || lost) return undefined;
    lost = true;
    queueMicrotask(() => harness.server.dropConnections());
    return undefined;
  });
  const answer = await harness.service.enforce('app', 'web', {}, { requester });
  assert.equal(answer.state, 'Enforced');
  assert.equal(answer.annotations.before[`${prefix}force-ssl-redirect`], 'false');
});

test('a database that goes away after the write costs only the mark', async (t) => {
  const harness = await start(t);
  harness.server.interfere((call) => {
    if (call.verb === 'patch') harness.fail.put = new Error('gone');
    return undefined;
  });
  const answer = await harness.service.enforce('app', 'web', {}, { requester });
  assert.equal(answer.state, 'Enforced');
  assert.deepEqual(harness.warnings, ['app/web is enforced but not marked so']);
  delete harness.fail.put;
  await harness.service.undo('app', 'web', { requester });
  assert.deepEqual(await harness.annotations(), prefixed(original));
});

for (const served of [false, true]) {
  test(`died while undoing, ${served ? 'after' : 'before'} the annotations: finished by whoever leads next`, async (t) => {
    const harness = await start(t);
    await harness.service.enforce('app', 'web', {}, { requester });
    loseUndo(harness, served);
    await assert.rejects(harness.service.undo('app', 'web', { requester: 'token:43' }));
    harness.server.interfere(undefined);
    delete harness.fail.remove;
    const cut = await harness.service.state('app', 'web');
    assert.deepEqual([cut.state, cut.requester, cut.revocationEnforced], ['Undoing', 'token:43', false]);
    await harness.lead();
    await eventually(() => assert.equal(harness.rows.size, 0));
    assert.deepEqual(await harness.annotations(), prefixed(original));
  });
}

test('a PUT after an undo that was cut short enforces, and what stood before is still known', async (t) => {
  const harness = await start(t);
  await harness.service.enforce('app', 'web', {}, { requester });
  loseUndo(harness, true);
  await assert.rejects(harness.service.undo('app', 'web', { requester }));
  delete harness.fail.remove;
  const answer = await harness.service.enforce('app', 'web', {}, { requester });
  assert.equal(answer.state, 'Enforced');
  assert.equal(answer.annotations.before[`${prefix}force-ssl-redirect`], 'false');
});

/** The API server is away, or, with `served`, the database once the annotations are restored. */
function loseUndo(harness: Harness, served: boolean): void {
  if (served) harness.fail.remove = new Error('gone');
  else harness.server.interfere(({ verb }) => (verb === 'patch' ? { status: 503 } : undefined));
}

test('died between restoring and forgetting: a second undo finishes it', async (t) => {
  const harness = await start(t);
  await harness.service.enforce('app', 'web', {}, { requester });
  const row = harness.rows.get('app/web');
  assert.ok(row);
  await harness.service.undo('app', 'web', { requester });
  harness.rows.set('app/web', row);
  assert.equal((await harness.service.state('app', 'web')).state, 'Drifted');
  const answer = await harness.service.undo('app', 'web', { requester });
  assert.deepEqual(answer.warnings, []);
  assert.deepEqual(await harness.annotations(), prefixed(original));
});

test('with the record lost, our own values are not taken for theirs', async (t) => {
  const harness = await start(t);
  await harness.service.enforce('app', 'web', {}, { requester });
  harness.rows.clear();
  const answer = await harness.service.enforce('app', 'web', {}, { requester });
  assert.equal(answer.annotations.before[`${prefix}auth-tls-secret`], null);
});
