import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import type { Rule } from '../support/kubernetes/access.ts';
import { codes, prefix } from './fixtures.ts';
import { type Harness, requester, startHarness } from './harness.ts';

/** A service with rights on some namespaces only (KUBERNETES_SCOPE=namespaces). */

const some: readonly Rule[] = [
  {
    apiGroups: ['networking.k8s.io'],
    resources: ['ingresses'],
    verbs: ['get', 'list', 'watch', 'patch'],
    namespaces: ['app', 'internal-ca'],
  },
  { apiGroups: [''], resources: ['secrets'], verbs: ['get'], namespaces: ['app', 'internal-ca'] },
];

async function scoped(t: TestContext, controller: 'auto' | 'ingress-nginx'): Promise<Harness> {
  const settings = { visibleNamespaces: ['app', 'internal-ca'], controller };
  const harness = await startHarness(t, settings, some);
  harness.place();
  return harness;
}

test('enforces and repairs with rights on these namespaces alone, and says what it does not see', async (t) => {
  const harness = await scoped(t, 'ingress-nginx');
  const answer = await harness.service.enforce('app', 'web', {}, { requester });
  assert.equal(answer.state, 'Enforced');
  assert.deepEqual(codes(answer.warnings), ['cluster-not-seen', 'ingress-classes-unread']);
  await harness.lead();
  harness.place();
  await eventually(async () =>
    assert.equal(
      (await harness.live()).metadata.annotations?.[`${prefix}auth-tls-secret`],
      'app/internal-ca',
    ),
  );
  const state = await harness.service.state('app', 'web');
  assert.deepEqual([state.state, codes(state.warnings)[0]], ['Enforced', 'cluster-not-seen']);
});

test('with IngressClasses unread the controller has to be named', async (t) => {
  const harness = await scoped(t, 'auto');
  await assert.rejects(harness.service.enforce('app', 'web', {}, { requester }), {
    code: 'ingress-unsafe',
    message: /Name the controller/,
  });
  const named = { controller: 'ingress-nginx' };
  assert.equal((await harness.service.enforce('app', 'web', named, { requester })).state, 'Enforced');
});

test('an Ingress elsewhere is refused by name, not looked for', async (t) => {
  const harness = await scoped(t, 'ingress-nginx');
  harness.server.calls.length = 0;
  await assert.rejects(harness.service.enforce('shop', 'web', {}, { requester }), {
    code: 'ingress-unsafe',
    message: /does not let us change Ingresses in namespace shop/,
  });
  assert.deepEqual(harness.server.calls, []);
});
