import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '../../src/observability/metrics.ts';
import type { ExpiringCount } from '../../src/observability/scrape.ts';

const create = () => createMetrics({ clock: { now: () => 0 }, version: '1', processMetrics: false });

test('expiring certificates and enforced Ingresses are asked for at the scrape', async () => {
  const metrics = create();
  metrics.attach({
    expiring: async () => [{ authority: 'internal-ca', within: '7d', count: 4 }],
    enforced: async () => new Map([['enforced', 2]]),
  });
  const text = await metrics.render();
  assert.match(text, /^internal_ca_certificates_expiring\{authority="internal-ca",within="7d"\} 4$/m);
  assert.match(text, /^internal_ca_ingress_enforced\{state="enforced"\} 2$/m);
});

test('a state that no Ingress has any more ends', async () => {
  const metrics = create();
  const states = new Map([['drifted', 1]]);
  metrics.attach({ expiring: async () => [], enforced: async () => states });
  assert.match(await metrics.render(), /state="drifted"/);
  states.clear();
  assert.doesNotMatch(await metrics.render(), /state="drifted"/);
});

test('a source that fails costs only its own figures', async () => {
  const metrics = create();
  metrics.attach({
    expiring: () => {
      throw new Error('the database is away');
    },
    enforced: async () => new Map([['enforced', 1]]),
  });
  const text = await metrics.render();
  assert.match(text, /internal_ca_ingress_enforced\{state="enforced"\} 1/);
  assert.match(text, /internal_ca_build_info/);
});

test('a source that hangs is asked once, and the scrape goes on without it', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const metrics = create();
  let asked = 0;
  metrics.attach({
    expiring: () => {
      asked++;
      return new Promise<ExpiringCount[]>(() => {});
    },
    enforced: async () => new Map([['enforced', 1]]),
  });
  for (let scrape = 0; scrape < 3; scrape++) {
    const rendering = metrics.render();
    await new Promise((resolve) => setImmediate(resolve));
    t.mock.timers.tick(2_000);
    assert.match(await rendering, /internal_ca_ingress_enforced\{state="enforced"\} 1/);
  }
  assert.equal(asked, 1);
});
