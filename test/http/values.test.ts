import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTime, normaliseSerial, parseTime, parseValidity } from '../../src/http/values.ts';

test('times are RFC 3339 in UTC and whole seconds', () => {
  assert.equal(formatTime(new Date(Date.UTC(2026, 10, 23, 9, 8, 7, 999))), '2026-11-23T09:08:07Z');
  assert.equal(parseTime('2026-11-23T10:00:00+01:00', '/x').getTime(), Date.UTC(2026, 10, 23, 9));
  assert.throws(() => parseTime('2026-13-01T00:00:00Z', '/x'), { code: 'request-invalid', field: '/x' });
});

test('a validity is a duration or seconds, whole and positive', () => {
  assert.equal(parseValidity('P1W', '/v'), 604_800);
  assert.equal(parseValidity('P1M', '/v'), 2_592_000);
  assert.equal(parseValidity('90', '/v'), 90);
  assert.equal(parseValidity(90, '/v'), 90);
  for (const bad of ['', 'P', 'PT', 'P1', '1d', 'PT1.5S', '0', 0, -5, Number.NaN, Number.POSITIVE_INFINITY])
    assert.throws(() => parseValidity(bad, '/v'), { code: 'request-invalid', field: '/v' });
});

test('a serial is normalised to the lower-case hex of its octets', () => {
  assert.equal(normaliseSerial('0A:FF:00'), '0aff00');
  assert.equal(normaliseSerial('0000ff'), 'ff');
  assert.equal(normaliseSerial('00'), '00');
  assert.equal(normaliseSerial('0000'), '00');
  for (const bad of ['', 'f', 'fff', '0x0f', 'zz', 'ff'.repeat(33)])
    assert.throws(() => normaliseSerial(bad), { code: 'request-invalid', field: '/serial' });
});
