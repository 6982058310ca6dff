import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '../../src/observability/metrics.ts';
import { quietSources } from '../support/scrape-sources.ts';
import { readDocument } from './documents.ts';

/** docs/operating.md and docs/helm.md name metrics: those that the program has, and operating.md all of them. */

async function metricNames(): Promise<Set<string>> {
  const metrics = createMetrics({ clock: { now: () => 0 }, version: '0', processMetrics: false });
  metrics.attach(quietSources);
  const types = (await metrics.render()).matchAll(/^# TYPE (internal_ca_\w+) /gm);
  return new Set([...types].map(([, name = '']) => name));
}

/** A histogram's series are its name with an ending. */
function namesIn(path: string): Set<string> {
  const found = readDocument(path).matchAll(/\b(internal_ca_\w+)/g);
  return new Set([...found].map(([, name = '']) => name.replace(/_seconds_(count|sum|bucket)$/, '_seconds')));
}

test('the guides name metrics that exist', async () => {
  const known = await metricNames();
  for (const path of ['docs/operating.md', 'docs/helm.md', 'docs/enforcing-an-ingress.md'])
    assert.deepEqual(
      [...namesIn(path)].filter((name) => !known.has(name)),
      [],
      path,
    );
});

test('docs/operating.md has every metric', async () => {
  const named = namesIn('docs/operating.md');
  assert.deepEqual(
    [...(await metricNames())].filter((name) => !named.has(name)),
    [],
  );
});
