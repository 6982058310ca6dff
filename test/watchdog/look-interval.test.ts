import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../src/config/config.ts';
import { lookIntervalSeconds } from '../../src/watchdog/look-interval.ts';

test('as configured, but no longer than what a renewed CRL may seem to lapse for', () => {
  const cases: readonly (readonly [Record<string, string>, number])[] = [
    [{}, 300],
    [{ WATCHDOG_INTERVAL: 'PT1H' }, 3_600],
    [{ WATCHDOG_INTERVAL: 'P1D' }, 37_800],
    [{ WATCHDOG_INTERVAL: 'P1D', CRL_VALIDITY: 'P1D', CRL_OVERLAP: 'PT2H' }, 900],
    [{ CRL_VALIDITY: 'PT20M' }, 75],
    [{ CRL_VALIDITY: 'PT1M' }, 10],
  ];
  for (const [env, seconds] of cases)
    assert.equal(lookIntervalSeconds(loadConfig({ DATA_DIR: '/nowhere', ...env })), seconds);
});
