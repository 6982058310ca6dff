import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CopyForms } from '../../src/publication/copy-forms.ts';
import type { CrlForm } from '../../src/store/publications.ts';
import { objectAt } from '../support/kubernetes/json.ts';
import { createMaterialSource } from '../support/trust-material.ts';
import { name, setUp, until } from './harness.ts';

const source = await createMaterialSource();
const material = source.at(7n, { crlBytes: 4_000, compactBytes: 3_000 });
const { caCrt, caCrl, compactCrl = '' } = material;

/** Decides as a test says. */
function createForms(of: Record<string, CrlForm> = {}) {
  const listeners: (() => void)[] = [];
  const forms: CopyForms = {
    weigh: async () => undefined,
    of: (namespace) => of[namespace] ?? 'full',
    forCall: async (namespace) => of[namespace] ?? 'full',
    onChange(listener) {
      listeners.push(listener);
      return () => void listeners.splice(listeners.indexOf(listener), 1);
    },
  };
  return {
    forms,
    decide(namespace: string, form: CrlForm) {
      of[namespace] = form;
      for (const listener of listeners) listener();
    },
  };
}

describe('the form in which a copy carries the CRLs', { timeout: 20_000 }, () => {
  it('changes at the same CRL number, and in that namespace alone', async (t) => {
    const { text, annotation, read, start } = await setUp(t);
    const { forms, decide } = createForms();
    const { publisher, lead, state, events } = await start({ forms, cluster: { namespaces: ['shop'] } });
    await lead();
    await publisher.publish(material);
    assert.equal(text('shop', 'ca.crl'), caCrl);
    for (const [form, crl] of [
      ['compact', compactCrl],
      ['full', caCrl],
    ] as const) {
      decide('shop', form);
      await until(t, () => text('shop', 'ca.crl') === crl);
      assert.equal(annotation('shop', 'internal-ca.io/crl-form'), form);
      assert.equal(annotation('shop', 'internal-ca.io/crl-number'), '7');
      await until(t, async () => (await state('secret:shop/internal-ca'))?.crlForm === form);
    }
    decide('shop', 'none');
    await until(t, () => annotation('shop', 'internal-ca.io/crl-form') === 'none');
    assert.deepEqual(Object.keys(objectAt(read('shop'), 'data')), ['ca.crt']);
    assert.match(
      String(annotation('shop', 'internal-ca.io/why-no-crl')),
      /asks internal-ca about revocation/,
    );
    assert.equal(annotation('shop', 'internal-ca.io/crl-number'), undefined);
    await until(t, async () => (await state('secret:shop/internal-ca'))?.crlForm === 'none');
    const copy = await state('secret:shop/internal-ca');
    assert.deepEqual([copy?.state, copy?.crlNumber, copy?.sizeBytes], ['Current', undefined, caCrt.length]);
    assert.equal(text('internal-ca', 'ca.crl'), caCrl);
    decide('shop', 'compact');
    await until(t, () => text('shop', 'ca.crl') === compactCrl);
    assert.equal(annotation('shop', 'internal-ca.io/why-no-crl'), undefined);
    assert.ok(!events.some(({ event }) => event.reason === 'CopyRepaired'), 'nobody else has done that');
  });

  it('without a CRL is not written again for each new one, and is repaired when somebody puts one in', async (t) => {
    const { server, read, edit, start } = await setUp(t);
    const { forms } = createForms({ 'internal-ca': 'none' });
    const { publisher, lead } = await start({ forms });
    await lead();
    await publisher.publish(material);
    const writes = () => server.calls.filter(({ verb }) => verb === 'patch').length;
    const before = writes();
    await publisher.publish(source.at(8n));
    assert.equal(writes(), before);
    edit('internal-ca', ['data', 'ca.crl'], 'eA==');
    await until(t, () => Object.keys(objectAt(read('internal-ca'), 'data')).join() === 'ca.crt');
  });

  it('is the full one where there is no compact one', async (t) => {
    const { text, annotation, start } = await setUp(t);
    const { forms } = createForms({ 'internal-ca': 'compact' });
    const { publisher, lead } = await start({ forms });
    await lead();
    await publisher.publish(source.at(1n));
    assert.equal(text('internal-ca', 'ca.crl'), source.at(1n).caCrl);
    assert.equal(annotation('internal-ca', 'internal-ca.io/crl-form'), 'full');
  });

  it('never makes a newer copy older, whatever the forms are', async (t) => {
    const { text, start } = await setUp(t);
    const first = await start({ forms: createForms({ 'internal-ca': 'compact' }).forms });
    const term = await first.lead();
    await first.publisher.publish(source.at(9n, { compactBytes: 100 }));
    await term.end();
    const slow = await start();
    await slow.lead();
    await slow.publisher.publish(material);
    assert.equal(text('internal-ca', 'ca.crl'), source.at(9n, { compactBytes: 100 }).compactCrl);
    assert.deepEqual((await slow.state('secret:internal-ca/internal-ca'))?.crlForm, 'compact');
  });

  it('too large in full does not keep the compact one back, nor is its text ever made', async (t) => {
    const { text, start } = await setUp(t);
    const { forms } = createForms({ 'internal-ca': 'compact', shop: 'none' });
    const { publisher, lead, state } = await start({ forms, cluster: { namespaces: ['shop', 'extra'] } });
    await lead();
    const large = {
      ...material,
      crls: {
        ...material.crls,
        full: { sizeBytes: 2_000_000, pems: () => assert.fail('a text that fits nowhere is not made') },
      },
    };
    await publisher.publish(large);
    assert.equal(text('internal-ca', 'ca.crl'), compactCrl);
    assert.equal((await state('secret:shop/internal-ca'))?.crlForm, 'none');
    const { state: is, error } = (await state('secret:extra/internal-ca')) ?? {};
    assert.equal(is, 'Failed');
    assert.match(error ?? '', /a shortened CRL is never written/);
  });

  it('holds for a call on a replica that does not lead', async (t) => {
    const { read, start } = await setUp(t);
    const { forms } = createForms({ shop: 'none' });
    const { publisher } = await start({ forms });
    await publisher.publish(material);
    assert.equal((await publisher.ensureNamespace('shop')).crlForm, 'none');
    assert.deepEqual(Object.keys(objectAt(read('shop'), 'data')), ['ca.crt']);
  });

  it('with the CRL left out holds no key either', async (t) => {
    const { server, start } = await setUp(t);
    const { publisher } = await start({ forms: createForms({ 'internal-ca': 'none' }).forms });
    const key = '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n';
    await assert.rejects(publisher.publish({ ...material, caCrt: caCrt + key }), { code: 'internal' });
    assert.equal(server.read('v1', 'Secret', 'internal-ca', name), undefined);
  });
});
