import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProbeReport, ProbeReports } from '../../src/enforcement/probe/probe-report.ts';
import { codes, prefix, prefixed } from './fixtures.ts';
import { requester, startHarness } from './harness.ts';

test('drift is seen, and a repeated PUT repairs it', async (t) => {
  const harness = await startHarness(t);
  harness.place();
  await harness.service.enforce('app', 'web', {}, { requester });
  const annotations = { ...(await harness.annotations()), [`${prefix}auth-tls-verify-client`]: 'off' };
  harness.place({ metadata: { annotations } }, 'kubectl-edit');
  const drifted = await harness.service.state('app', 'web');
  assert.deepEqual([drifted.state, drifted.revocationEnforced], ['Conflict', false]);
  assert.deepEqual(drifted.observed.differences, [
    { annotation: `${prefix}auth-tls-verify-client`, wanted: 'on', found: 'off', manager: 'kubectl-edit' },
  ]);
  const repaired = await harness.service.enforce('app', 'web', {}, { requester });
  assert.equal(repaired.state, 'Enforced');
  // The last value that somebody else gave it is what goes back.
  assert.equal(repaired.annotations.before[`${prefix}auth-tls-verify-client`], 'off');
});

test('what comes later and goes round the check is seen', async (t) => {
  const harness = await startHarness(t);
  harness.place();
  await harness.service.enforce('app', 'web', {}, { requester });
  harness.place({ name: 'side', paths: ['/side'], annotations: { 'ssl-redirect': 'false' } });
  const unsafe = await harness.service.state('app', 'web');
  assert.equal(unsafe.state, 'Unsafe');
  assert.deepEqual(codes(unsafe.observed.problems), ['plain-http-neighbour']);
});

test('what we wrote ourselves is no problem to us', async (t) => {
  const harness = await startHarness(t);
  harness.place();
  harness.place({ name: 'api', paths: ['/api'] });
  for (const name of ['web', 'api']) {
    await harness.service.enforce(
      'app',
      name,
      { matchCommonName: 'alice', errorPage: '/sorry' },
      { requester },
    );
  }
  const all = await harness.service.list();
  assert.deepEqual(
    all.map(({ name, state, observed }) => ({ name, state, problems: observed.problems })),
    [
      { name: 'api', state: 'Enforced', problems: [] },
      { name: 'web', state: 'Enforced', problems: [] },
    ],
  );
});

test('the whole list costs as many calls as one', async (t) => {
  const harness = await startHarness(t);
  for (const name of ['a', 'b', 'c', 'd']) {
    harness.place({ name, hosts: [`${name}.example`] });
    await harness.service.enforce('app', name, {}, { requester });
  }
  harness.server.calls.length = 0;
  assert.equal((await harness.service.list()).length, 4);
  assert.deepEqual(harness.server.calls.map(({ resource }) => resource).sort(), [
    'ingressclasses',
    'ingresses',
  ]);
});

test('an empty list does not ask the API server', async (t) => {
  const harness = await startHarness(t);
  await harness.server.stop();
  assert.deepEqual(await harness.service.list(), []);
  await harness.server.start();
});

test("the controller's ConfigMap is read where it is configured, and its absence is said", async (t) => {
  const harness = await startHarness(t, { controllerConfigMap: 'shop/nginx-config' });
  harness.place();
  const absent = await harness.service.enforce('app', 'web', {}, { requester });
  assert.deepEqual(codes(absent.warnings), ['controller-config-unread']);
  harness.server.put({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'nginx-config', namespace: 'shop' },
    data: { 'annotations-risk-level': 'Low' },
  });
  await assert.rejects(harness.service.enforce('app', 'web', {}, { requester }), { code: 'ingress-unsafe' });
  assert.deepEqual(await harness.annotations(), {
    ...prefixed({
      'auth-tls-secret': 'app/internal-ca',
      'auth-tls-verify-client': 'on',
      'auth-tls-verify-depth': '1',
      'auth-tls-pass-certificate-to-upstream': 'true',
      'force-ssl-redirect': 'true',
    }),
  });
});

test('auto takes the controller from the IngressClass', async (t) => {
  const harness = await startHarness(t, { controller: 'auto' });
  harness.place();
  const assumed = await harness.service.enforce('app', 'web', {}, { requester });
  assert.deepEqual(codes(assumed.warnings), ['controller-assumed']);
  const named = await harness.service.enforce('app', 'web', { controller: 'ingress-nginx' }, { requester });
  assert.deepEqual(named.warnings, []);
});

test('a door that was found otherwise than wished is NotEnforced, by a report on the wish as it stands', async (t) => {
  const harness = await startHarness(t);
  harness.place();
  const { updatedAt } = await harness.service.enforce('app', 'web', {}, { requester });
  const report: ProbeReport = {
    namespace: 'app',
    name: 'web',
    verdict: 'contradicted',
    // The replica that probed has a clock that is five minutes slow.
    probedAt: new Date(updatedAt.getTime() - 300_000),
    recordUpdatedAt: updatedAt,
    reasons: [{ code: 'plain-http-open', detail: 'http is open' }],
  };
  let latest = report;
  const probes: Pick<ProbeReports, 'latest' | 'list'> = {
    latest: async () => latest,
    list: async () => [latest],
  };
  Object.assign(harness.parts, { probes });
  const seen = async () => {
    const { state, revocationEnforced, observed } = await harness.service.state('app', 'web');
    return [state, revocationEnforced, observed.probe?.verdict];
  };
  assert.deepEqual(await seen(), ['NotEnforced', false, 'contradicted']);
  assert.deepEqual((await harness.service.list())[0]?.state, 'NotEnforced');
  latest = { ...report, verdict: 'confirmed', reasons: [] };
  assert.deepEqual(await seen(), ['Enforced', true, 'confirmed']);
  latest = { ...report, recordUpdatedAt: new Date(updatedAt.getTime() - 1) };
  assert.deepEqual(await seen(), ['Enforced', true, 'contradicted']);
});
