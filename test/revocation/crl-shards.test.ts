import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { Authority } from '../../src/authority/authority.ts';
import { Fault } from '../../src/fault.ts';
import type { CurrentCrl } from '../../src/revocation/crl-files.ts';
import { createCrlShards } from '../../src/revocation/crl-shards.ts';
import { encodeRevokedEntry, readCrl } from '../../src/x509/crl.ts';
import { shardOf } from '../../src/x509/crl-shard.ts';
import { verifySigned } from '../../src/x509/signed.ts';
import { makeAuthority } from '../support/authority.ts';
import { faultOf } from '../support/faults.ts';
import { completeCrl } from './complete-crl.ts';

const now = Date.parse('2026-11-24T12:00:00Z');
const publicUrl = 'http://ca.example';
const counts = [2, 4, 8, 16, 32, 64, 128, 256];

interface Bench {
  readonly authority: Authority;
  readonly shards: ReturnType<typeof createCrlShards>;
  crl: CurrentCrl;
  /** How many signatures were made. */
  signed: number;
  refuseToSign: boolean;
}

async function divide(serials: readonly Buffer[], keptOctets?: number): Promise<Bench> {
  const real = await makeAuthority(now);
  const authority: Authority = {
    ...real,
    signer: {
      ...real.signer,
      signChunks: async (chunks) => {
        if (bench.refuseToSign) throw new Fault('key-unavailable', 'The token is out.');
        bench.signed += 1;
        return await real.signer.signChunks(chunks);
      },
    },
  };
  const bench: Bench = {
    authority,
    crl: await completeCrl(real, serials, { now }),
    signed: 0,
    refuseToSign: false,
    shards: createCrlShards({
      crls: { current: async () => bench.crl },
      authorities: { get: () => authority },
      publicUrl,
      ...(keptOctets === undefined ? {} : { keptOctets }),
    }),
  };
  return bench;
}

/** Different ones, of every length that a serial may have, with and without an octet for the sign. */
function makeSerials(count: number): Buffer[] {
  const serials = new Map<string, Buffer>();
  for (let i = 0; serials.size < count; i += 1) {
    const serial = randomBytes(1 + (i % 20));
    if (serial.length === 20) serial[0] = 0x7f;
    if (serial[0] !== 0) serials.set(serial.toString('hex'), serial);
  }
  return [...serials.values()];
}

const readPart = (der: Buffer) => readCrl(der, { partial: true });
const hexOf = (serials: readonly Buffer[]) => serials.map((serial) => serial.toString('hex')).toSorted();

test('each entry is in one part, of every count, as it was in the whole', async () => {
  const serials = makeSerials(2_000);
  const { shards, crl, authority } = await divide(serials);
  const whole = new Map([...readCrl(crl.der).entries()].map((entry) => [entry.serial, entry]));
  for (const count of counts) {
    const found: string[] = [];
    for (let index = 0; index < count; index += 1) {
      const shard = await shards.current('internal-ca', count, index);
      const read = readPart(shard.der);
      for (const entry of read.entries()) {
        found.push(entry.serial);
        assert.equal(shardOf(Buffer.from(entry.serial, 'hex'), count), index);
        assert.deepEqual(entry, whole.get(entry.serial));
      }
      assert.deepEqual(read.scope, {
        distributionPoint: [`http://ca.example/crl/internal-ca/shards/${count}/${index}.crl`],
      });
      assert.equal(read.crlNumber, crl.number);
      assert.deepEqual([read.thisUpdate, read.nextUpdate], [crl.thisUpdate, crl.nextUpdate]);
      assert.ok(await verifySigned(read, authority.certificate.publicKey, 'crl'));
    }
    assert.deepEqual(found.toSorted(), hexOf(serials), `of ${count}`);
  }
});

test('an empty CRL has empty parts', async () => {
  const { shards } = await divide([]);
  const { der } = await shards.current('internal-ca', 256, 200);
  assert.deepEqual([...readPart(der).entries()], []);
});

test('a part is made once, for however many ask at once, and anew for the next CRL', async () => {
  const serials = makeSerials(100);
  const bench = await divide(serials);
  const ask = () => bench.shards.current('internal-ca', 4, 1);
  const asked = await Promise.all(Array.from({ length: 50 }, ask));
  assert.equal(new Set(asked).size, 1);
  assert.equal(bench.signed, 1);
  const other = randomBytes(16).fill(0x11);
  bench.crl = await completeCrl(bench.authority, [...serials, other], { now, number: 8n });
  bench.signed = 0;
  const parts = await Promise.all([0, 1, 2, 3].map((index) => bench.shards.current('internal-ca', 4, index)));
  assert.equal(bench.signed, 4);
  const found = parts.flatMap(({ der }) => [...readPart(der).entries()].map(({ serial }) => serial));
  assert.deepEqual(found.toSorted(), hexOf([...serials, other]));
  assert.ok(parts.every(({ number }) => number === 8n));
  assert.notEqual(parts[1]?.version, asked[0]?.version);
});

test('what a client holds stays the same in meaning when another replica signs it', async () => {
  const bench = await divide(makeSerials(10));
  const { certificate } = bench.authority;
  const replica = createCrlShards({
    crls: { current: async () => bench.crl },
    authorities: { get: () => bench.authority },
    publicUrl,
  });
  const one = await bench.shards.current('internal-ca', 2, 0);
  const other = await replica.current('internal-ca', 2, 0);
  assert.equal(one.version, other.version);
  assert.ok(!one.der.equals(other.der), 'ECDSA signs otherwise each time');
  assert.ok(await verifySigned(readPart(other.der), certificate.publicKey, 'crl'));
  const elsewhere = createCrlShards({
    crls: { current: async () => bench.crl },
    authorities: { get: () => bench.authority },
    publicUrl: 'http://other.example',
  });
  assert.notEqual((await elsewhere.current('internal-ca', 2, 0)).version, one.version);
});

/** So many of 16 octets in each of the parts, which then have the same size, but for a signature's. */
function makeEvenSerials(count: number, each: number): Buffer[] {
  const serials = Array.from({ length: count }, (): Buffer[] => []);
  while (serials.some((part) => part.length < each)) {
    const serial = randomBytes(16);
    serial[0] = 0x40;
    const part = serials[shardOf(serial, count)];
    if (part !== undefined && part.length < each) part.push(serial);
  }
  return serials.flat().sort(Buffer.compare);
}

test('the parts asked for longest ago are not kept', async () => {
  const serials = makeEvenSerials(8, 50);
  const part = await (await divide(serials)).shards.current('internal-ca', 8, 0);
  // Room for five and a half.
  const bench = await divide(serials, Math.floor(part.der.length * 5.5));
  const ask = async (index: number) => {
    bench.signed = 0;
    await bench.shards.current('internal-ca', 8, index);
    return bench.signed === 0 ? 'kept' : 'made';
  };
  for (const index of [0, 1, 2, 3]) assert.equal(await ask(index), 'made');
  assert.equal(await ask(0), 'kept');
  for (const index of [4, 5]) assert.equal(await ask(index), 'made');
  for (const index of [5, 4, 0]) assert.equal(await ask(index), 'kept');
  assert.equal(await ask(1), 'made');
});

test('a part larger than what is kept is made all the same', async () => {
  const bench = await divide(makeSerials(100), 10);
  for (let i = 1; i <= 2; i += 1) {
    assert.ok((await bench.shards.current('internal-ca', 2, 0)).der.length > 1_000);
    assert.equal(bench.signed, i);
  }
});

test('a part that could not be signed is tried again', async () => {
  const bench = await divide(makeSerials(10));
  bench.refuseToSign = true;
  assert.equal((await faultOf(bench.shards.current('internal-ca', 2, 1))).code, 'key-unavailable');
  bench.refuseToSign = false;
  assert.equal((await bench.shards.current('internal-ca', 2, 1)).number, 7n);
});

test('there is no part of a count that is no power of two, nor beyond the last', async () => {
  const { shards } = await divide([]);
  for (const [count, index] of [
    [1, 0],
    [0, 0],
    [3, 0],
    [512, 0],
    [2, 2],
    [256, 256],
  ] as const)
    assert.equal((await faultOf(shards.current('internal-ca', count, index))).code, 'crl-not-offered');
});

test('a CRL that does not have as many entries as were counted is not divided', async () => {
  for (const entryCount of [9, 11]) {
    const bench = await divide(makeSerials(10));
    bench.crl = { ...bench.crl, entryCount };
    await assert.rejects(bench.shards.current('internal-ca', 2, 0), /entries/);
    bench.crl = { ...bench.crl, entryCount: 10 };
    assert.equal((await bench.shards.current('internal-ca', 2, 0)).number, 7n);
  }
});

test('the event loop goes on while a large CRL is divided', async (t) => {
  const entry = encodeRevokedEntry({
    serial: randomBytes(16).fill(0x22, 0, 1),
    revocationDate: new Date(now),
  });
  const serials = Array.from({ length: 200_000 }, () => {
    const serial = randomBytes(16);
    serial[0] = 0x22;
    return serial;
  });
  const bench = await divide(serials);
  const started = performance.now();
  let turns = 0;
  let longest = 0;
  let last = process.threadCpuUsage();
  const watch = setInterval(() => {
    const { user, system } = process.threadCpuUsage(last);
    last = process.threadCpuUsage();
    longest = Math.max(longest, (user + system) / 1000);
    turns += 1;
  }, 0);
  const part = await bench.shards.current('internal-ca', 64, 5);
  clearInterval(watch);
  t.diagnostic(
    `${serials.length} entries of ${entry.length} octets: ${Math.round(performance.now() - started)} ms, longest stall ${longest.toFixed(1)} ms of CPU, part of ${part.der.length} octets`,
  );
  assert.ok(turns > 5, `${turns} turns of others`);
});
