import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics, type Metrics } from '../../src/observability/metrics.ts';

const start = Date.parse('2026-11-23T12:00:00Z');

function metricsAt(clock = { now: () => start }): Metrics {
  return createMetrics({ clock, version: '1.2.3', processMetrics: false });
}

/** The samples of one series: label text -> value. */
async function series(metrics: Metrics, name: string): Promise<Record<string, number>> {
  const text = await metrics.render();
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return Object.fromEntries(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(name.length, space), Number(line.slice(space + 1))];
    }),
  );
}

test('issued, refused and revoked certificates are counted by their few labels', async () => {
  const metrics = metricsAt();
  metrics.certificateIssued('internal-ca', 'client');
  metrics.certificateIssued('internal-ca', 'client');
  metrics.certificateIssued('internal-ca', 'server');
  metrics.certificateRefused('key-weak');
  metrics.certificateRevoked('keyCompromise', 1);
  assert.deepEqual(await series(metrics, 'internal_ca_certificates_issued_total'), {
    '{authority="internal-ca",profile="client"}': 2,
    '{authority="internal-ca",profile="server"}': 1,
  });
  assert.deepEqual(await series(metrics, 'internal_ca_certificates_refused_total'), {
    '{reason="key-weak"}': 1,
  });
  assert.deepEqual(await series(metrics, 'internal_ca_certificates_revoked_total'), {
    '{reason="keyCompromise"}': 1,
  });
});

test('what is imported counts by what has become of it, and not as revoked here', async () => {
  const metrics = metricsAt();
  const report = {
    ...{ dryRun: false, read: 16, recorded: 1, alreadyKnown: 2, expired: 3, passedOver: 4, revoked: 5 },
    ...{ withoutCertificate: 5, changed: 6, alreadyRevoked: 7, notRevoked: 8, siblings: 9 },
    ...{ problemCount: 10, problems: [] },
  };
  metrics.imported(report);
  metrics.imported(report);
  const expected = { recorded: 2, alreadyKnown: 4, expired: 6, passedOver: 8, revoked: 10, changed: 12 };
  assert.deepEqual(
    await series(metrics, 'internal_ca_imported_total'),
    Object.fromEntries(
      Object.entries({ ...expected, alreadyRevoked: 14, notRevoked: 16, siblings: 18, problems: 20 }).map(
        ([outcome, count]) => [`{outcome="${outcome}"}`, count],
      ),
    ),
  );
  assert.deepEqual(await series(metrics, 'internal_ca_certificates_revoked_total'), {});
});

test('the seconds to nextUpdate are those of the scrape, and fall below zero', async () => {
  let now = start;
  const metrics = metricsAt({ now: () => now });
  metrics.crlCurrent('internal-ca', {
    number: 7n,
    entries: 3,
    sizeBytes: 456,
    nextUpdate: new Date(start + 60_000),
  });
  const left = async (): Promise<unknown> =>
    (await series(metrics, 'internal_ca_crl_seconds_to_next_update'))['{authority="internal-ca"}'];
  assert.equal(await left(), 60);
  now += 90_000;
  assert.equal(await left(), -30);
  assert.deepEqual(await series(metrics, 'internal_ca_crl_number'), { '{authority="internal-ca"}': 7 });
  assert.deepEqual(await series(metrics, 'internal_ca_crl_entries'), { '{authority="internal-ca"}': 3 });
  assert.deepEqual(await series(metrics, 'internal_ca_crl_size_bytes'), { '{authority="internal-ca"}': 456 });
  assert.deepEqual(await series(metrics, 'internal_ca_crl_next_update_timestamp_seconds'), {
    '{authority="internal-ca"}': start / 1000 + 60,
  });
});

test('CRL builds are counted by outcome and timed when they succeed', async () => {
  const metrics = metricsAt();
  metrics.crlBuilt('internal-ca', 0.25);
  metrics.crlBuildFailed('internal-ca');
  assert.deepEqual(await series(metrics, 'internal_ca_crl_builds_total'), {
    '{authority="internal-ca",outcome="success"}': 1,
    '{authority="internal-ca",outcome="failure"}': 1,
  });
  assert.deepEqual(await series(metrics, 'internal_ca_crl_build_duration_seconds_sum'), {
    '{authority="internal-ca"}': 0.25,
  });
});

test('the Secret is measured against what Kubernetes allows, in the form that it has and in the next', async () => {
  const metrics = metricsAt();
  const budget = {
    limitBytes: 1_048_576,
    stage: 'full',
    form: 'full',
    usedBytes: 786_432,
    leftBytes: 262_144,
    entriesLeft: 3_912,
    forecastDays: 40,
    withoutCrl: [],
  } as const;
  const next = {
    form: 'compact',
    usedBytes: 600_000,
    leftBytes: 448_576,
    entriesLeft: 9_000,
    forecastDays: null,
  } as const;
  metrics.secretBudget({ ...budget, next });
  const one = async (name: string) => await series(metrics, `internal_ca_secret_${name}`);
  assert.deepEqual(await one('size_bytes'), { '': 786_432 });
  assert.deepEqual(await one('size_limit_bytes'), { '': 1_048_576 });
  assert.deepEqual(await one('size_ratio'), { '': 0.75 });
  assert.deepEqual(await one('left_bytes'), { '{form="full"}': 262_144, '{form="compact"}': 448_576 });
  assert.deepEqual(await one('entries_left'), { '{form="full"}': 3_912, '{form="compact"}': 9_000 });
  assert.deepEqual(await one('forecast_days'), { '{form="full"}': 40 });
  assert.equal((await one('stage'))['{stage="full"}'], 1);
  metrics.secretBudget({ ...budget, ...next, stage: 'online', withoutCrl: ['shop', 'blog'] });
  assert.deepEqual(
    await one('left_bytes'),
    { '{form="compact"}': 448_576 },
    'what is over is not told any more',
  );
  assert.deepEqual(await one('forecast_days'), {});
  assert.deepEqual(
    [(await one('stage'))['{stage="full"}'], (await one('stage'))['{stage="online"}']],
    [0, 1],
  );
  assert.deepEqual(await one('without_crl'), { '': 2 });
  metrics.secretsOnline({ unproven: 1, waiting: 2 });
  assert.deepEqual(await one('without_crl_unproven'), { '': 1 });
  assert.deepEqual(await one('online_waiting'), { '': 2 });
  metrics.secretsOnline(undefined);
  assert.deepEqual(await one('without_crl_unproven'), {});
  assert.deepEqual(await one('online_waiting'), {});
});

test('the age of a copy grows until it is written again, and ends when the copy does', async () => {
  let now = start;
  const metrics = metricsAt({ now: () => now });
  const target = 'secret:shop/internal-ca';
  metrics.publicationSucceeded(target, new Date(start));
  now += 5_000;
  metrics.publicationFailed(target);
  const labels = `{target="${target}"}`;
  assert.deepEqual(await series(metrics, 'internal_ca_publication_age_seconds'), { [labels]: 5 });
  assert.deepEqual(await series(metrics, 'internal_ca_publication_errors_total'), { [labels]: 1 });
  metrics.publicationForgotten(target);
  assert.deepEqual(await series(metrics, 'internal_ca_publication_age_seconds'), {});
  assert.deepEqual(await series(metrics, 'internal_ca_publication_errors_total'), {});
});

test('a method that a client made up does not become a label', async () => {
  const metrics = metricsAt();
  const route = '/v1/certificates/:serial';
  metrics.httpRequest({ route, method: 'GET', status: 200, seconds: 0.01 });
  metrics.httpRequest({ route, method: 'BREW', status: 405, seconds: 0.01 });
  assert.deepEqual(await series(metrics, 'internal_ca_http_request_duration_seconds_count'), {
    [`{route="${route}",method="GET",status="200"}`]: 1,
    [`{route="${route}",method="other",status="405"}`]: 1,
  });
});

test('refused calls have a series before the first one', async () => {
  const metrics = metricsAt();
  metrics.authenticationRefused('forbidden');
  assert.deepEqual(await series(metrics, 'internal_ca_authentication_refused_total'), {
    '{kind="unauthenticated"}': 0,
    '{kind="forbidden"}': 1,
  });
});

test('two processes in one do not share figures, and every name has the prefix', async () => {
  const one = metricsAt();
  const other = metricsAt();
  one.certificateIssued('internal-ca', 'client');
  assert.deepEqual(await series(other, 'internal_ca_certificates_issued_total'), {});
  const names = [...(await one.render()).matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1] ?? '');
  assert.ok(names.length > 15);
  assert.deepEqual(
    names.filter((name) => !name.startsWith('internal_ca_')),
    [],
  );
  assert.match(await one.render(), /internal_ca_build_info\{version="1\.2\.3",node="[\d.]+"\} 1/);
});

test('who leads, and how often that changed before the eyes of this replica', async () => {
  const metrics = createMetrics({ clock: { now: () => 0 }, version: '0', processMetrics: false });
  const figures = async (): Promise<string[]> =>
    [...(await metrics.render()).matchAll(/^internal_ca_leader(?:ship_\w+)? (\d+)$/gm)].map(
      ([, value = '']) => value,
    );
  metrics.leadership({ leading: false, epoch: 0n });
  metrics.leadership({ leading: true, epoch: 5n });
  metrics.leadership({ leading: true, epoch: 5n });
  assert.deepEqual(await figures(), ['1', '5', '0'], 'what was before it looked is no change');
  metrics.leadership({ leading: false, epoch: 9n });
  metrics.leadership({ leading: false, epoch: 9n });
  assert.deepEqual(await figures(), ['0', '9', '1']);
});
