import assert from 'node:assert/strict';
import type { Readable } from 'node:stream';
import { test } from 'node:test';
import { createTransfers } from '../../src/http/transfers.ts';

test('a transfer gives the octets, and files under way count once each', async () => {
  const transfers = createTransfers(250_000);
  const [old, present] = [Buffer.alloc(100_000, 1), Buffer.alloc(100_000, 2)];
  const streams = [old, present, old, present].map((octets) => transfers.start(octets, octets));
  const whole = await Promise.all(streams.map(async (stream) => Buffer.concat(await stream.toArray())));
  assert.deepEqual(whole, [old, present, old, present]);
});

test('the file started longest ago is broken off for newer ones', () => {
  const transfers = createTransfers(250_000);
  const files = [1, 2, 3, 4].map((n) => Buffer.alloc(100_000, n));
  const started = new Map<Buffer, Readable[]>();
  const start = (octets: Buffer | undefined) => {
    assert.ok(octets);
    const stream = transfers.start(octets, octets.subarray(10));
    stream.on('error', () => {});
    started.set(octets, [...(started.get(octets) ?? []), stream]);
    return stream;
  };
  const [first, second, third, fourth] = files;
  start(first);
  start(second);
  start(first);
  const states = () => files.map((octets) => started.get(octets)?.map(({ destroyed }) => destroyed));
  assert.deepEqual(states(), [[false, false], [false], undefined, undefined]);
  start(third);
  assert.deepEqual(states(), [[false, false], [true], [false], undefined]);
  start(fourth);
  assert.deepEqual(states(), [[true, true], [true], [false], [false]]);
});

test('what has been sent no longer counts, and a file beyond the bound can be had', async () => {
  const transfers = createTransfers(150_000);
  const files = [1, 2, 3].map((n) => Buffer.alloc(100_000, n));
  for (const octets of files)
    assert.ok(Buffer.concat(await transfers.start(octets, octets).toArray()).equals(octets));
  const large = Buffer.alloc(400_000, 5);
  assert.ok(Buffer.concat(await transfers.start(large, large).toArray()).equals(large));
});
