import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { createCrlShards } from '../../src/revocation/crl-shards.ts';
import { checkPartEntries } from '../../src/watchdog/part-entries.ts';
import { BrokenContent } from '../../src/watchdog/read-crl.ts';
import { encodeRevokedEntry, readCrl } from '../../src/x509/crl.ts';
import { shardOf } from '../../src/x509/crl-shard.ts';
import { completeCrl } from '../revocation/complete-crl.ts';
import { watchStalls } from '../support/stalls.ts';
import { publishedBy, start } from './published.ts';

/** In ascending order of their octets, as ours are in a CRL. */
function makeSerials(count: number): Buffer[] {
  const serials = Array.from({ length: count }, (_, i) => {
    const serial = randomBytes(1 + (i % 20));
    // With an octet for the sign, and without.
    serial[0] = i % 2 === 0 ? 0x7f : 0x80 + (i % 100);
    return serial.length === 20 ? serial.subarray(1) : serial;
  });
  const distinct = new Map(serials.map((serial) => [serial.toString('hex'), serial]));
  return [...distinct.values()].sort(Buffer.compare);
}

async function divided(serials: readonly Buffer[], count: number) {
  const { authority } = await publishedBy();
  const crl = await completeCrl(authority, serials, { now: start });
  const shards = createCrlShards({
    crls: { current: async () => crl },
    authorities: { get: () => authority },
    publicUrl: 'http://ca.example',
  });
  return {
    complete: crl.der,
    partOf: async (index: number): Promise<Buffer> =>
      readCrl((await shards.current('internal-ca', count, index)).der, { partial: true }).revoked,
  };
}

test('every part of every count is what the whole has of it', async () => {
  const serials = makeSerials(1_000);
  for (const count of [2, 16, 256]) {
    const { complete, partOf } = await divided(serials, count);
    for (let index = 0; index < count; index += 1)
      await checkPartEntries(await partOf(index), complete, { count, index });
  }
});

test('a revoked certificate that its part does not list, and one too many, are found', async () => {
  const count = 4;
  const serials = makeSerials(200);
  const { complete, partOf } = await divided(serials, count);
  for (let index = 0; index < count; index += 1) {
    const part = await partOf(index);
    const entries = serials
      .map((serial, i) => ({ serial, entry: entryOf(serial, i) }))
      .filter(({ serial }) => shardOf(serial, count) === index);
    assert.ok(entries.length > 10);
    assert.equal(
      entries.reduce((total, { entry }) => total + entry.length, 0),
      part.length,
    );
    const check = (list: readonly Buffer[]) =>
      checkPartEntries(Buffer.concat(list), complete, { count, index });
    for (const [at, { serial }] of entries.entries()) {
      const rest = entries.filter((_, other) => other !== at).map(({ entry }) => entry);
      await assert.rejects(check(rest), (error) => {
        assert.ok(error instanceof BrokenContent);
        assert.equal(error.message, `it does not list ${serial.toString('hex')} as the whole does`);
        return true;
      });
    }
    const all = entries.map(({ entry }) => entry);
    await check(all.toReversed());
    await assert.rejects(check([...all, ...all.slice(-1)]), /more than the whole has/, 'one twice');
    await assert.rejects(check([...all, Buffer.of(0x30, 0x80)]), /its entries cannot be read/);
    await assert.rejects(check([...all, Buffer.of(0x02, 0x01, 0x05)]), /its entries cannot be read/);
    const stranger = encodeRevokedEntry({ serial: Buffer.alloc(16, 0xff), revocationDate: new Date(start) });
    await assert.rejects(check([...all, stranger]), /more than the whole has/);
    await assert.rejects(check([stranger, ...all]), /more than the whole has/);
    await assert.rejects(check([]), /it does not list/);
    const [first = { serial: Buffer.alloc(0) }] = entries;
    const other = encodeRevokedEntry({ serial: first.serial, revocationDate: new Date(start + 1_000) });
    await assert.rejects(check([other, ...all.slice(1)]), /it does not list/, 'another date');
    await assert.rejects(
      checkPartEntries(part, complete, { count, index: (index + 1) % count }),
      /it does not list/,
      'the part of others',
    );
  }
});

test('where nobody is revoked, a part is empty, and no other is one', async () => {
  const { complete, partOf } = await divided([], 2);
  await checkPartEntries(await partOf(1), complete, { count: 2, index: 1 });
  const part = entryOf(Buffer.alloc(16, 1), 0);
  await assert.rejects(checkPartEntries(part, complete, { count: 2, index: 1 }), /more than the whole has/);
});

test('a large CRL is gone through in steps', async (t) => {
  const { crl } = await publishedBy();
  const complete = await crl(7n, { entries: 300_000 });
  const entries: Buffer[] = [];
  for (const { serial } of readCrl(complete).entries()) {
    const octets = Buffer.from(serial, 'hex');
    if (shardOf(octets, 64) !== 5) continue;
    entries.push(
      encodeRevokedEntry({ serial: octets, revocationDate: new Date(start), reason: 'superseded' }),
    );
  }
  const part = Buffer.concat(entries);
  const began = performance.now();
  const stalls = watchStalls();
  await checkPartEntries(part, complete, { count: 64, index: 5 });
  const longest = stalls.stop();
  t.diagnostic(
    `300,000 entries: ${Math.round(performance.now() - began)} ms, at most ${longest.toFixed(1)} ms`,
  );
  assert.ok(longest < 20, `${longest} ms`);
});

/** As `completeCrl` makes them. */
function entryOf(serial: Buffer, i: number): Buffer {
  return encodeRevokedEntry({
    serial,
    revocationDate: new Date(start - i * 1000),
    ...(i % 3 === 0 ? { reason: 'superseded' as const } : {}),
  });
}
