import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ControllerAdapter } from '../../src/enforcement/adapter.ts';
import { ingressNginx } from '../../src/enforcement/adapters/ingress-nginx.ts';
import { declarationAnnotation } from '../../src/enforcement/declaration.ts';
import { createEnforcementService } from '../../src/enforcement/enforcement-service.ts';
import { createTurn } from '../../src/enforcement/turn.ts';
import { eventually } from '../support/eventually.ts';
import { faultOf } from '../support/faults.ts';
import { codes, prefix } from './fixtures.ts';
import { requester, startHarness } from './harness.ts';

/** One object that cannot be judged costs its own entry only. */

for (const errorPage of ['https://a:99999', 'https://a:99999/x', 'http://a..b:70000/', 'https://1.2.3.4.5']) {
  test(`the error page ${errorPage} is refused with its reason, by a call and in the list`, async (t) => {
    const harness = await startHarness(t, { declarativeNamespaces: ['*'] });
    harness.place();
    harness.place({ name: 'other', hosts: ['other.example'] });
    const asked = harness.service.enforce('app', 'web', { errorPage }, { requester });
    assert.equal((await faultOf(asked)).code, 'ingress-unsafe');
    for (const name of ['web', 'other']) await harness.service.enforce('app', name, {}, { requester });
    const annotations = {
      ...(await harness.annotations()),
      [declarationAnnotation]: 'on',
      [`${declarationAnnotation}-error-page`]: errorPage,
    };
    harness.place({ metadata: { annotations } });
    const all = await harness.service.list();
    assert.deepEqual(
      all.map(({ name }) => name),
      ['other', 'web'],
    );
    assert.ok(codes(all[1]?.warnings ?? []).includes('declaration-unsafe'));
  });
}

/** An adapter with a fault of its own in judging one Ingress. */
const faulty: ControllerAdapter = {
  ...ingressNginx,
  plan(input) {
    if (input.ingress.metadata.labels?.broken !== undefined) throw new TypeError('Invalid URL');
    return ingressNginx.plan(input);
  },
};

async function withOneBroken(t: Parameters<typeof startHarness>[0]) {
  const harness = await startHarness(t);
  const parts = { ...harness.parts, adapters: [faulty] as [ControllerAdapter] };
  const service = createEnforcementService(parts, createTurn(parts));
  for (const name of ['broken', 'sound']) {
    harness.place({ name, hosts: [`${name}.example`] });
    await service.enforce('app', name, {}, { requester });
  }
  const edit = async (changes: Readonly<Record<string, string>>) => {
    const annotations = { ...(await harness.annotations('broken')), ...changes };
    const metadata = { annotations, labels: { broken: 'true' } };
    harness.place({ name: 'broken', hosts: ['broken.example'], metadata }, 'kubectl-edit');
  };
  await edit({});
  return { harness, parts, service, edit };
}

test('an Ingress that cannot be judged is Unsafe in the list, and the others are as they are', async (t) => {
  const { service } = await withOneBroken(t);
  const all = await service.list();
  assert.deepEqual(
    all.map(({ name, state }) => [name, state]),
    [
      ['broken', 'Unsafe'],
      ['sound', (await service.state('app', 'sound')).state],
    ],
  );
  assert.deepEqual(codes(all[0]?.observed.problems ?? []), ['not-judged']);
  const asked = service.enforce('app', 'broken', {}, { requester });
  assert.equal((await faultOf(asked)).code, 'ingress-unsafe');
});

test('what was written on an Ingress that cannot be judged is put back, and an Event tells', async (t) => {
  const { harness, parts, edit } = await withOneBroken(t);
  await harness.lead({ parts });
  const name = `${prefix}auth-tls-verify-client`;
  const { [name]: _, ...others } = await harness.annotations('broken');
  harness.place(
    {
      name: 'broken',
      hosts: ['broken.example'],
      metadata: { annotations: others, labels: { broken: 'true' } },
    },
    'kubectl-edit',
  );
  await eventually(async () => assert.equal((await harness.annotations('broken'))[name], 'on'));
  await edit({ touched: 'yes' });
  await eventually(() =>
    assert.ok(
      harness.told.some(
        ({ ingress, reason }) => ingress === 'app/broken' && reason === 'ClientVerificationUnsafe',
      ),
    ),
  );
});

const unreadableRows = {
  'of an unknown controller': { controller: 'haproxy' },
  'with rules of a newer form': {
    spec: { state: 'applied', settings: { mode: 'on', revocation: 'both', allow: [{ role: 'till' }] } },
  },
};
for (const [what, change] of Object.entries(unreadableRows)) {
  test(`a record ${what} is Unsafe in the list, hides no other, and is not written over`, async (t) => {
    const harness = await startHarness(t);
    for (const name of ['a', 'b']) {
      harness.place({ name, hosts: [`${name}.example`] });
      await harness.service.enforce('app', name, {}, { requester });
    }
    const row = harness.rows.get('app/a');
    assert.ok(row);
    const unread = { ...row, ...change, trouble: [{ code: 'x', detail: 'x' }] };
    harness.rows.set('app/a', unread);
    const sound = (await harness.service.state('app', 'b')).state;
    assert.deepEqual(
      (await harness.service.list()).map(({ name, state }) => [name, state]),
      [
        ['a', 'Unsafe'],
        ['b', sound],
      ],
    );
    const { observed } = await harness.service.state('app', 'a');
    assert.deepEqual(codes(observed.problems), ['record-unreadable']);
    await harness.lead();
    await eventually(() =>
      assert.ok(
        harness.told.some(
          ({ ingress, reason }) => ingress === 'app/a' && reason === 'ClientVerificationUnsafe',
        ),
      ),
    );
    assert.equal(harness.rows.get('app/a'), unread);
    await harness.service.undo('app', 'a', { requester });
    assert.equal(harness.rows.has('app/a'), false);
  });
}
