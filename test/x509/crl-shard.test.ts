import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { maxShards, shardOf } from '../../src/x509/crl-shard.ts';

test('the shard of a serial is fixed for ever', () => {
  // Computed by a program of its own, after the description.
  const vectors = {
    '01': 135,
    '7f': 144,
    '80': 21,
    '0102030405060708090a0b0c0d0e0f10': 114,
    '3f0c5a7b9d1e2f40516273849aabbccd': 211,
    ffffffffffffffffffffffffffffffffffffffff: 77,
  };
  for (const [serial, shard] of Object.entries(vectors)) {
    assert.equal(shardOf(Buffer.from(serial, 'hex'), maxShards), shard, serial);
    assert.equal(shardOf(Buffer.from(`00${serial}`, 'hex'), maxShards), shard, 'the octet of the sign');
  }
});

test('twice the count divides each shard in two', () => {
  for (let i = 0; i < 1_000; i += 1) {
    const serial = randomBytes(16);
    for (let count = 2; count < maxShards; count *= 2)
      assert.equal(shardOf(serial, count * 2) % count, shardOf(serial, count));
    assert.equal(shardOf(serial, 1), 0);
  }
});

test('random serials, those that count up, and those in steps go to all shards alike', () => {
  const makers: Record<string, (i: number) => Buffer> = {
    random: () => randomBytes(16),
    sequential: (i) => numbered(i),
    'in steps of 256': (i) => numbered(i * 256),
  };
  for (const [name, make] of Object.entries(makers)) {
    const found = new Uint32Array(maxShards);
    for (let i = 0; i < 51_200; i += 1) {
      const shard = shardOf(make(i), maxShards);
      found[shard] = (found[shard] ?? 0) + 1;
    }
    // 200 each; a fair throw leaves these bounds once in some 10^12.
    assert.ok(
      Math.min(...found) > 100 && Math.max(...found) < 320,
      `${name}: ${Math.min(...found)} to ${Math.max(...found)}`,
    );
  }
});

function numbered(value: number): Buffer {
  const serial = Buffer.alloc(8);
  serial.writeBigUInt64BE(BigInt(value));
  return serial;
}
