import assert from 'node:assert/strict';
import { test } from 'node:test';
import { negotiate } from '../../src/http/negotiation.ts';

const offered = ['application/json', 'application/pem-certificate-chain', 'text/plain'] as const;

function choose(accept: string | undefined): string {
  return negotiate(accept, [...offered]);
}

test('without a wish the first offer is taken', () => {
  for (const accept of [undefined, '', ' ', '*/*', 'application/*', '*/*;q=0.1'])
    assert.equal(choose(accept), 'application/json');
});

test('the wish decides, and quality among wishes', () => {
  assert.equal(choose('application/pem-certificate-chain'), 'application/pem-certificate-chain');
  assert.equal(choose('Application/PEM-Certificate-Chain'), 'application/pem-certificate-chain');
  assert.equal(choose('text/*'), 'text/plain');
  assert.equal(choose('application/json;q=0.5, text/plain;q=0.6'), 'text/plain');
  assert.equal(choose('text/plain, application/json'), 'application/json');
  assert.equal(choose('application/json; charset=utf-8'), 'application/json');
});

test('the most specific range counts (RFC 9110 12.5.1)', () => {
  assert.equal(choose('*/*, application/json;q=0'), 'application/pem-certificate-chain');
  assert.equal(choose('application/*;q=0.1, */*;q=0.2'), 'text/plain');
  assert.equal(choose('application/json;q=0.1, application/*'), 'application/pem-certificate-chain');
});

test('what cannot be had is refused with what can', () => {
  for (const accept of ['image/png', 'application/json;q=0', 'nonsense', ';;;', 'json', '*/json'])
    assert.throws(() => choose(accept), {
      code: 'not-acceptable',
      message: `On offer: ${offered.join(', ')}.`,
    });
});

test('ranges beyond the 32nd are not looked at', () => {
  const many = Array.from({ length: 32 }, (_, index) => `image/i${index}`).join(',');
  assert.throws(() => choose(`${many},application/json`), { code: 'not-acceptable' });
});
