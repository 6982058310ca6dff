import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { createMetrics } from '../../src/observability/metrics.ts';
import { readDocument } from '../docs/documents.ts';
import { listAt, only, temporaryDirectory } from '../support/chart/manifests.ts';
import { chartDirectory, renderChart } from '../support/chart/render.ts';
import { type JsonObject, objectAt, stringAt } from '../support/kubernetes/json.ts';
import { quietSources } from '../support/scrape-sources.ts';
import { findTool, skipUnless } from '../support/skip.ts';

/** The chart's alerts, as Prometheus evaluates them, and its dashboard. */

const cases = readFileSync(fileURLToPath(new URL('chart-alerts.promtool.yaml', import.meta.url)), 'utf8');
const dashboard = readFileSync(join(chartDirectory, 'dashboards/internal-ca.json'), 'utf8');

function renderedRule(...set: string[]): JsonObject {
  return only(renderChart({ set: ['metrics.prometheusRule.enabled=true', ...set] }), 'PrometheusRule');
}

function alertsOf(rule: JsonObject): JsonObject[] {
  return listAt(rule, 'spec', 'groups').flatMap((group) => listAt(group, 'rules'));
}

function promtool(...args: string[]): void {
  const { status, stdout, stderr } = spawnSync(findTool('promtool') ?? 'promtool', args, {
    encoding: 'utf8',
  });
  assert.equal(status, 0, `${stdout}${stderr}`);
}

test('each alert fires when it should, and a healthy service raises none', (t) => {
  if (skipUnless(t, 'helm') || skipUnless(t, 'promtool')) return;
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, 'rules.yaml'), stringify(objectAt(renderedRule(), 'spec')));
  writeFileSync(join(directory, 'cases.yaml'), cases);
  promtool('check', 'rules', join(directory, 'rules.yaml'));
  promtool('test', 'rules', join(directory, 'cases.yaml'));
});

test('no alert is without a case in which it fires, nor without words for whom it wakes', (t) => {
  if (skipUnless(t, 'helm')) return;
  const runbook = readDocument('docs/operating.md');
  for (const alert of alertsOf(
    renderedRule('metrics.prometheusRule.runbookUrl=https://wiki.example.com/ca'),
  )) {
    const name = String(alert.alert);
    assert.match(cases, new RegExp(`alertname(: |=")${name}\\b`), name);
    assert.ok(new RegExp(`^### ${name}$`, 'm').test(runbook), `docs/operating.md says what to do at ${name}`);
    const { summary, description, runbook_url: url } = objectAt(alert, 'annotations');
    assert.ok(typeof summary === 'string' && typeof description === 'string', name);
    assert.equal(url, `https://wiki.example.com/ca#${name.toLowerCase()}`);
    assert.match(stringAt(alert, 'labels', 'severity') ?? '', /^(critical|warning|info)$/);
  }
});

test('alerts look at the series of this release alone', (t) => {
  if (skipUnless(t, 'helm')) return;
  const selectors = (rule: JsonObject) =>
    alertsOf(rule).flatMap(({ expr }) =>
      [...String(expr).matchAll(/internal_ca_\w+(\{[^}]*\})?/g)].map(([, s]) => s),
    );
  for (const selector of selectors(renderedRule())) {
    assert.match(selector ?? '', /job="internal-ca",namespace="internal-ca"\}$/);
  }
  for (const selector of selectors(renderedRule('metrics.prometheusRule.selector=cluster="a"'))) {
    assert.match(selector ?? '', /cluster="a"\}$/);
  }
});

test('an alert can be left out, and all of them be labelled', (t) => {
  if (skipUnless(t, 'helm')) return;
  const alerts = alertsOf(
    renderedRule(
      'metrics.prometheusRule.disabled={InternalCaDown}',
      'metrics.prometheusRule.alertLabels.team=pki',
    ),
  );
  assert.ok(alerts.length > 10);
  assert.ok(alerts.every(({ alert }) => alert !== 'InternalCaDown'));
  assert.ok(alerts.every((alert) => stringAt(alert, 'labels', 'team') === 'pki'));
});

test('alerts and dashboard ask for metrics that the program has', async (t) => {
  if (skipUnless(t, 'helm')) return;
  const metrics = createMetrics({ clock: { now: () => 0 }, version: '0', processMetrics: true });
  metrics.attach(quietSources);
  const known = new Set(
    [...(await metrics.render()).matchAll(/^# TYPE (\w+) /gm)].map(([, name = '']) => name),
  );
  const expressions = [
    ...alertsOf(renderedRule()).map(({ expr }) => String(expr)),
    ...dashboardExpressions(),
  ];
  const asked = expressions.flatMap((expr) => [...expr.matchAll(/\b((?:internal_ca|process)_\w+)/g)]);
  const names = asked.map(([, name = '']) => name.replace(/_seconds_(count|sum|bucket)$/, '_seconds'));
  assert.ok(names.length > 40);
  assert.deepEqual(
    [...new Set(names)].filter((name) => !known.has(name)),
    [],
  );
});

function dashboardExpressions(): string[] {
  const document: unknown = JSON.parse(dashboard);
  return listAt(document, 'panels')
    .flatMap((panel) => listAt(panel, 'targets'))
    .map((target) => stringAt(target, 'expr') ?? '');
}

test('every panel of the dashboard has a query that Prometheus can parse', (t) => {
  if (skipUnless(t, 'promtool')) return;
  // As a recording rule each: promtool parses the expression.
  const rules = dashboardExpressions().map((expr, i) => ({
    record: `panel_${i}`,
    expr: expr.replaceAll('$__rate_interval', '5m'),
  }));
  assert.ok(rules.length > 25 && rules.every(({ expr }) => expr !== ''));
  const path = join(temporaryDirectory(t), 'rules.yaml');
  writeFileSync(path, stringify({ groups: [{ name: 'dashboard', rules }] }));
  promtool('check', 'rules', '--lint=none', path);
});

test('the dashboard arrives in its ConfigMap whole', (t) => {
  if (skipUnless(t, 'helm')) return;
  const manifests = renderChart({ set: ['metrics.dashboard.enabled=true'] });
  const found = manifests.find(
    (manifest) => stringAt(manifest, 'metadata', 'name') === 'internal-ca-dashboard',
  );
  assert.equal(stringAt(found, 'metadata', 'labels', 'grafana_dashboard'), '1');
  assert.deepEqual(JSON.parse(stringAt(found, 'data', 'internal-ca.json') ?? ''), JSON.parse(dashboard));
});
