import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '../../src/observability/metrics.ts';
import type { ExpiringCount } from '../../src/observability/scrape.ts';
import { quietSources } from '../support/scrape-sources.ts';

const create = () => createMetrics({ clock: { now: () => 0 }, version: '1', processMetrics: false });

test('expiring certificates and enforced Ingresses are asked for at the scrape', async () => {
  const metrics = create();
  metrics.attach({
    ...quietSources,
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
  metrics.attach({ ...quietSources, enforced: async () => states });
  assert.match(await metrics.render(), /state="drifted"/);
  states.clear();
  assert.doesNotMatch(await metrics.render(), /state="drifted"/);
});

test('a source that fails costs only its own figures', async () => {
  const metrics = create();
  metrics.attach({
    ...quietSources,
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
    ...quietSources,
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

test('the database is up while it answers, and down when it refuses or hangs', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const answers: (() => Promise<void>)[] = [
    async () => undefined,
    () => Promise.reject(new Error('connection refused')),
    () => new Promise(() => {}),
  ];
  const seen: (string | undefined)[] = [];
  const metrics = create();
  metrics.attach({ ...quietSources, pingDatabase: () => (answers.shift() ?? fail)() });
  for (let scrape = 0; scrape < 3; scrape++) {
    const rendering = metrics.render();
    await new Promise((resolve) => setImmediate(resolve));
    t.mock.timers.tick(2_000);
    seen.push(/^internal_ca_database_up (\d)$/m.exec(await rendering)?.[1]);
  }
  assert.deepEqual(seen, ['1', '0', '0']);
});

const fail = () => Promise.reject(new Error('asked too often'));

test('each authority tells how long it lasts', async () => {
  const metrics = create();
  let secondsToExpiry = 3600;
  metrics.attach({
    ...quietSources,
    lifetimes: () => [{ authority: 'internal-ca', secondsToExpiry }],
    crlOverlapSeconds: 302_400,
  });
  assert.match(
    await metrics.render(),
    /^internal_ca_authority_seconds_to_expiry\{authority="internal-ca"\} 3600$/m,
  );
  secondsToExpiry = -1;
  const text = await metrics.render();
  assert.match(text, /^internal_ca_authority_seconds_to_expiry\{authority="internal-ca"\} -1$/m);
  assert.match(text, /^internal_ca_crl_overlap_seconds 302400$/m);
});

test('a figure that cannot be read any more is absent, and its source says so', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const metrics = create();
  let answer: 'read' | 'failed' | 'hangs' = 'read';
  const answered = <T>(value: T): Promise<T> => {
    if (answer === 'hangs') return new Promise(() => {});
    return answer === 'failed' ? Promise.reject(new Error('no right to list')) : Promise.resolve(value);
  };
  metrics.attach({
    ...quietSources,
    expiring: () => answered([{ authority: 'internal-ca', within: '7d', count: 4 }]),
    enforced: () => answered(new Map([['Enforced', 22]])),
    contradictedProbes: () => answered(0),
  });
  const figures = /^internal_ca_(certificates_expiring|ingress_enforced|probe_contradictions)\b/gm;
  const seen: [number, string[]][] = [];
  for (answer of ['read', 'failed', 'read', 'hangs'] as const) {
    const rendering = metrics.render();
    await new Promise((resolve) => setImmediate(resolve));
    t.mock.timers.tick(2_000);
    const text = await rendering;
    const up = [...text.matchAll(/^internal_ca_scrape_source_up\{source="\w+"\} (\d)$/gm)];
    seen.push([text.match(figures)?.length ?? 0, up.map(([, value = '']) => value)]);
  }
  const read: [number, string[]] = [3, ['1', '1', '1']];
  const unread: [number, string[]] = [0, ['0', '0', '0']];
  assert.deepEqual(seen, [read, unread, read, unread]);
});

test('a figure that throws is absent and costs no other', async () => {
  const metrics = create();
  metrics.attach({
    ...quietSources,
    lifetimes: () => {
      throw new Error('no such authority');
    },
  });
  const text = await metrics.render();
  assert.doesNotMatch(text, /internal_ca_authority_seconds_to_expiry/);
  assert.match(text, /^internal_ca_database_up 1$/m);
});
