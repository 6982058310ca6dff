import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseNetworks } from '../../src/verification/networks.ts';

test('addresses and ranges of both families, also as a socket for both shows them', () => {
  const networks = parseNetworks(['10.1.0.0/16', '192.0.2.7', '2001:db8::/32', '::1']);
  for (const address of ['10.1.255.255', '::ffff:10.1.2.3', '192.0.2.7', '2001:db8:1::1', '::1']) {
    assert.equal(networks.include(address), true, address);
  }
  for (const address of ['10.2.0.0', '192.0.2.8', '::ffff:10.2.0.1', '2001:db9::1', '::2', undefined]) {
    assert.equal(networks.include(address), false, address);
  }
});

test('what is no range is refused by its name', () => {
  for (const range of [
    '10.0.0',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    'a.example',
    '10.0.0.0/-1',
  ]) {
    assert.throws(() => parseNetworks([range]), new RegExp(`${range.replaceAll('.', '\\.')} is neither`));
  }
});
