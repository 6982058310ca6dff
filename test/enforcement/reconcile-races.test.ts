import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createAnnouncer } from '../../src/enforcement/announcer.ts';
import { createQuarrels } from '../../src/enforcement/quarrels.ts';
import { reconcileIngress } from '../../src/enforcement/reconcile-ingress.ts';
import { eventually } from '../support/eventually.ts';
import { codes, prefix, prefixed } from './fixtures.ts';
import { type Harness, requester, startHarness } from './harness.ts';

/** What comes between looking and writing, and what is found that somebody else left. */

const asks = 'internal-ca.io/client-verification';
const secret = `${prefix}auth-tls-secret`;

async function enforced(t: TestContext): Promise<Harness> {
  const harness = await startHarness(t);
  harness.place();
  await harness.service.enforce('app', 'web', {}, { requester });
  return harness;
}

/** Takes ours away, as `kubectl replace` does. */
function takeAway(harness: Harness): void {
  harness.place({}, 'kubectl-replace');
}

function isBack(harness: Harness): Promise<void> {
  return eventually(async () => assert.equal((await harness.annotations())[secret], 'app/internal-ca'));
}

/** Every write to this Ingress is changed on its way into the store, as by a mutating webhook. */
function alterWrites(harness: Harness): { stop(): void } {
  const { kubernetes } = harness.parts;
  let altering = true;
  const altered: typeof kubernetes = {
    ...kubernetes,
    async applyIngress(manifest, options) {
      const stored = await kubernetes.applyIngress(manifest, options);
      if (!altering) return stored;
      const annotations = { ...stored.metadata.annotations, [`${prefix}auth-tls-verify-client`]: 'off' };
      harness.place({ metadata: { annotations } }, 'internal-ca');
      return harness.live();
    },
  };
  Object.assign(harness.parts, { kubernetes: altered });
  return {
    stop: () => {
      altering = false;
    },
  };
}

test('a term that ends while the turn is waited for writes nothing', async (t) => {
  const harness = await enforced(t);
  const ended = Promise.withResolvers<void>();
  await harness.lead({}, async (end) => {
    end();
    ended.resolve();
  });
  takeAway(harness);
  await ended.promise;
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.deepEqual(await harness.annotations(), {});
});

test('a wish is judged by the Ingresses as they are, not as the cache has them', async (t) => {
  const harness = await startHarness(t, { declarativeNamespaces: ['app'] });
  harness.place({ name: 'one' });
  harness.place({ name: 'two', metadata: { annotations: { [asks]: 'optional' } } }, 'flux');
  const cached = await Promise.all(['one', 'two'].map((name) => harness.live(name)));
  await harness.service.enforce('app', 'one', {}, { requester });
  const ending = new AbortController();
  await reconcileIngress(
    {
      parts: harness.parts,
      inTurn: (work) => work(),
      term: { epoch: 1n, signal: ending.signal, assertCurrent: async () => undefined },
      quarrels: createQuarrels(harness.clock),
      announcer: createAnnouncer(harness.parts.events),
      ingress: () => cached[1],
      cluster: async () => ({
        ingresses: cached,
        ingressClasses: await harness.parts.kubernetes.listIngressClasses(),
        warnings: [],
      }),
    },
    'app/two',
  );
  assert.deepEqual(await harness.annotations('two'), { [asks]: 'optional' });
  const { state, observed } = await harness.service.state('app', 'two');
  assert.deepEqual([state, codes(observed.problems)], ['Unsafe', ['host-policy-conflict']]);
});

test('an Ingress on its way out is left alone', async (t) => {
  const harness = await enforced(t);
  await harness.lead();
  harness.place({ name: 'other', hosts: ['b.example'] });
  await harness.service.enforce('app', 'other', {}, { requester });
  harness.place({ metadata: { annotations: {}, deletionTimestamp: '2026-11-23T12:00:00Z' } }, 'kubectl');
  harness.place({ name: 'other', hosts: ['b.example'] }, 'kubectl-replace');
  await eventually(async () => assert.equal((await harness.annotations('other'))[secret], 'app/internal-ca'));
  assert.deepEqual(await harness.annotations(), {});
});

test('what another replica left unfinished is found, though no Ingress changed', async (t) => {
  const harness = await startHarness(t);
  harness.place();
  await harness.lead();
  harness.server.interfere(({ verb }) => (verb === 'patch' ? { status: 503 } : undefined));
  await assert.rejects(harness.service.enforce('app', 'web', {}, { requester }));
  harness.server.interfere(undefined);
  await isBack(harness);
});

test('trouble that somebody else ended is forgotten, and matters no more from then on', async (t) => {
  const harness = await enforced(t);
  const row = harness.rows.get('app/web');
  assert.ok(row);
  harness.rows.set('app/web', { ...row, trouble: [{ code: 'admission-denied', detail: 'no' }] });
  const { state, observed } = await harness.service.state('app', 'web');
  assert.deepEqual([state, observed.problems], ['Enforced', []]);
  await harness.lead();
  await eventually(() => assert.deepEqual(harness.rows.get('app/web')?.trouble, []));
  assert.deepEqual(harness.rows.get('app/web')?.updatedAt, row.updatedAt);
});

test('a new one that something in the cluster alters is taken back whole', async (t) => {
  const harness = await startHarness(t, { declarativeNamespaces: ['app'] });
  const policy = alterWrites(harness);
  await harness.lead();
  harness.place({ metadata: { annotations: { [asks]: 'on' } } }, 'flux');
  await eventually(async () => {
    const { observed } = await harness.service.state('app', 'web');
    assert.deepEqual(codes(observed.problems), ['annotation-altered']);
    assert.equal((await harness.annotations())[secret], undefined);
  });
  policy.stop();
  await isBack(harness);
});

test('a repair that something alters keeps what it can, and says so', async (t) => {
  const harness = await enforced(t);
  const policy = alterWrites(harness);
  await harness.lead();
  takeAway(harness);
  await eventually(async () => {
    const { state, observed } = await harness.service.state('app', 'web');
    assert.deepEqual([state, codes(observed.problems)], ['Drifted', ['annotation-altered']]);
  });
  assert.equal((await harness.annotations())[secret], 'app/internal-ca');
  policy.stop();
  await eventually(async () =>
    assert.deepEqual(
      await harness.annotations(),
      prefixed({
        'auth-tls-secret': 'app/internal-ca',
        'auth-tls-verify-client': 'on',
        'auth-tls-verify-depth': '1',
        'auth-tls-pass-certificate-to-upstream': 'true',
        'force-ssl-redirect': 'true',
      }),
    ),
  );
});
