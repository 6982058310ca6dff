import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { compareEntries } from '../../src/revocation/compare-entries.ts';
import { encodeRevokedEntry, type RevocationReason } from '../../src/x509/crl.ts';

const at = new Date('2026-11-23T12:00:00Z');

function list(serials: readonly string[], reason: RevocationReason = 'superseded'): Buffer {
  return Buffer.concat(
    serials.map((serial) =>
      encodeRevokedEntry({ serial: Buffer.from(serial, 'hex'), revocationDate: at, reason }),
    ),
  );
}

async function compare(
  previous: Buffer,
  ...chunks: Buffer[]
): Promise<{ gone: string[]; count: number; octets: number }> {
  const gone: string[] = [];
  const found = await compareEntries(previous, chunks, async (serials) => {
    gone.push(...serials.map((serial) => serial.toString('hex')));
  });
  return { gone, ...found };
}

test('what is in the previous list alone is gone, wherever it stood', async () => {
  const previous = list(['01', '0102', '02', '03', '7fff']);
  for (const [now, gone] of [
    [['01', '0102', '02', '03', '7fff'], []],
    [['0102', '02', '03', '7fff'], ['01']],
    [['01', '0102', '02', '03'], ['7fff']],
    [['00ff00', '04'].map((serial) => serial.replace(/^00/, '')), ['01', '0102', '02', '03', '7fff']],
    [
      ['01', '0101', '02', '0201', '7fff', '7fff01'],
      ['0102', '03'],
    ],
    [[], ['01', '0102', '02', '03', '7fff']],
  ] as const) {
    const sorted = [...now].sort();
    const next = list(sorted);
    assert.deepEqual(
      await compare(previous, next),
      { gone, count: now.length, octets: next.length },
      `${now}`,
    );
  }
});

test('an entry that says something else by now is not gone', async () => {
  const { gone } = await compare(
    list(['01', '02', '03']),
    list(['01']),
    list(['02'], 'unspecified'),
    list(['03']),
  );
  assert.deepEqual(gone, []);
});

test('serials with a high bit come in the order of their octets, as the table has them', async () => {
  const serials = ['01', '7f', '80', 'ff', 'ff01'];
  assert.deepEqual((await compare(list(serials), list(serials))).gone, []);
  assert.deepEqual((await compare(list(serials), list(['01', '7f', 'ff', 'ff01']))).gone, ['80']);
});

test('a list that is out of order, or has a serial twice, is refused', async () => {
  for (const bad of [
    ['02', '01'],
    ['01', '01'],
    ['80', '7f'],
  ])
    await assert.rejects(compare(list([]), list(bad)), { name: 'CrlCheckFailed', check: 'entries' });
  await assert.rejects(compare(list([]), list(['02']), list(['01'])), { check: 'entries' });
});

test('bytes that are no entries are refused', async () => {
  const entry = list(['0102030405']);
  await assert.rejects(compare(list([]), entry.subarray(0, -1)), { name: 'DerError' });
  await assert.rejects(compare(entry.subarray(0, 3), list(['01'])), { name: 'DerError' });
  await assert.rejects(compare(list([]), randomBytes(1).fill(0x31)), { name: 'DerError' });
});

test('of fifty thousand, those that went are found, in chunks of any size', async () => {
  const serials = Array.from({ length: 50_000 }, (_, index) =>
    (index + 0x10000).toString(16).padStart(8, '0'),
  );
  const kept = serials.filter((_, index) => index % 3 !== 0);
  const chunks: Buffer[] = [];
  for (let from = 0; from < kept.length; from += 777) chunks.push(list(kept.slice(from, from + 777)));
  const { gone, count } = await compare(list(serials), ...chunks);
  assert.equal(count, kept.length);
  assert.deepEqual(
    gone.map((serial) => serial.padStart(8, '0')),
    serials.filter((_, index) => index % 3 === 0),
  );
});
