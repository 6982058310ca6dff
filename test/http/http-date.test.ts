import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHttpDate } from '../../src/http/http-date.ts';

const now = Date.parse('2026-11-23T12:00:00Z');
const wanted = Date.parse('1994-11-06T08:49:37Z');

test('the three forms of RFC 9110 5.6.7 are one time, whatever the zone of this machine', () => {
  for (const text of [
    'Sun, 06 Nov 1994 08:49:37 GMT',
    'Sunday, 06-Nov-94 08:49:37 GMT',
    'Sun Nov  6 08:49:37 1994',
  ])
    assert.equal(parseHttpDate(text, now), wanted, text);
});

test('two digits of a year are never more than fifty years ahead', () => {
  assert.equal(parseHttpDate('Monday, 23-Nov-76 12:00:00 GMT', now), Date.UTC(2076, 10, 23, 12));
  assert.equal(parseHttpDate('Wednesday, 23-Nov-77 12:00:00 GMT', now), Date.UTC(1977, 10, 23, 12));
});

test('what is no date is none', () => {
  for (const text of [
    '',
    'now',
    '0',
    '2026-11-23T12:00:00Z',
    'Sun, 06 Nov 1994 08:49:37',
    'Sun, 06 Nov 1994 08:49:37 +0000',
    'Sun, 6 Nov 1994 08:49:37 GMT',
    'Sun, 31 Feb 1994 08:49:37 GMT',
    'Sun, 00 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 24:00:00 GMT',
    'sun, 06 nov 1994 08:49:37 gmt',
    'Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT',
  ])
    assert.equal(parseHttpDate(text, now), undefined, text);
});
