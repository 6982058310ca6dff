import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { codingsFor, createCompressor } from '../../src/http/compression.ts';

test('a coding is for who accepts it, the better liked one first (RFC 9110 12.5.3)', () => {
  const wished: Record<string, string[]> = {
    gzip: ['gzip'],
    'x-gzip': ['gzip'],
    'gzip, deflate, br': ['gzip'],
    'gzip, deflate, br, zstd': ['zstd', 'gzip'],
    'GZIP;Q=1.0, ZSTD ; q=0.5': ['gzip', 'zstd'],
    'zstd;q=0.001': ['zstd'],
    '*': ['zstd', 'gzip'],
    '*;q=0.5, zstd;q=0': ['gzip'],
    'gzip;q=0': [],
    'gzip;q=0, *': ['zstd'],
    'identity, gzip;q=0.5': [],
    'identity;q=0.5, gzip': ['gzip'],
    'identity;q=0': [],
    'gzip;q=2': [],
    'gzip;level=1': [],
    br: [],
    '': [],
  };
  for (const [field, codings] of Object.entries(wished)) assert.deepEqual(codingsFor(field), codings, field);
  assert.deepEqual(codingsFor(undefined), []);
});

test('the octets come back, and are compressed once', async () => {
  const { compress } = createCompressor();
  const octets = Buffer.concat(
    Array.from({ length: 5_000 }, () => Buffer.from(`entry ${randomBytes(8).toString('hex')}\n`)),
  );
  const [zstd, gzip] = await Promise.all([compress(octets, 'zstd'), compress(octets, 'gzip')]);
  assert.ok(zstd && gzip);
  assert.ok(zstdDecompressSync(zstd).equals(octets));
  assert.ok(gunzipSync(gzip).equals(octets));
  assert.ok(zstd.length < octets.length * 0.7 && gzip.length < octets.length * 0.7);
  assert.equal(await compress(octets, 'zstd'), zstd);
  assert.notEqual(await compress(Buffer.from(octets), 'zstd'), zstd);
});

test('what gains nothing is not compressed', async () => {
  const { compress } = createCompressor();
  assert.equal(await compress(randomBytes(100_000), 'gzip'), undefined);
  assert.equal(await compress(randomBytes(100_000), 'zstd'), undefined);
  assert.equal(await compress(Buffer.alloc(1_000), 'gzip'), undefined, 'one packet');
  assert.ok(await compress(Buffer.alloc(10_000), 'gzip'));
});
