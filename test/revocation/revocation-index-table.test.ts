import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  createRevocationTable,
  type RevocationTable,
  type TableEntry,
} from '../../src/revocation/revocation-index-table.ts';

function entry(notAfter = 2_000_000_000, reasonCode = 4): TableEntry {
  return { reasonCode, revokedAt: 1_700_000_000, notAfter };
}

/** Few values, so that they meet: each of 1 to 21 octets. */
const serials = fc
  .tuple(fc.integer({ min: 1, max: 21 }), fc.integer({ min: 0, max: 40 }))
  .map(([length, value]) => Buffer.alloc(length, value));
const steps: fc.Arbitrary<Step> = fc.record({
  kind: fc.oneof(
    { weight: 20, arbitrary: fc.constant('set' as const) },
    { weight: 10, arbitrary: fc.constant('delete' as const) },
    { weight: 1, arbitrary: fc.constant('drop' as const) },
  ),
  authority: fc.constantFrom('a', 'b', 'internal-ca'),
  serial: serials,
  entry: fc.record(
    { revokedAt: fc.nat(), notAfter: fc.nat(100), reasonCode: fc.nat(10) },
    { noNullPrototype: true },
  ),
});

interface Step {
  readonly kind: 'set' | 'delete' | 'drop';
  readonly authority: string;
  readonly serial: Buffer;
  readonly entry: TableEntry;
}

function takeStep(table: RevocationTable, { kind, authority, serial, entry: said }: Step): void {
  if (kind === 'set') table.set(authority, serial, 0, serial.length, said);
  else if (kind === 'delete') table.delete(authority, serial, 0, serial.length);
  // A part of the table at each call: as often as it has parts.
  else for (let part = 0; part < 512; part++) table.dropExpired(said.notAfter);
}

function takeModelStep(model: Map<string, TableEntry>, step: Step): void {
  const key = `${step.authority}/${step.serial.toString('hex')}`;
  if (step.kind === 'set') model.set(key, step.entry);
  else if (step.kind === 'delete') model.delete(key);
  else for (const [each, { notAfter }] of model) if (notAfter < step.entry.notAfter) model.delete(each);
}

test('it does as a Map does', () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 3_000, size: 'max' }), (list) => {
      const table = createRevocationTable();
      const model = new Map<string, TableEntry>();
      for (const step of list) {
        takeStep(table, step);
        takeModelStep(model, step);
      }
      assert.equal(table.size, model.size);
      for (const [key, said] of model) {
        const [authority = '', serial = ''] = key.split('/');
        assert.deepEqual(table.get(authority, serial), said);
      }
    }),
    { numRuns: 30 },
  );
});

test('as many as come are found, and those that are not there are not', () => {
  const table = createRevocationTable();
  const known = randomBytes(16 * 100_000);
  for (let at = 0; at < known.length; at += 16) table.set('ca', known, at, 16, entry());
  assert.equal(table.size, 100_000);
  for (let at = 0; at < known.length; at += 16)
    assert.ok(table.get('ca', known.toString('hex', at, at + 16)));
  for (let count = 0; count < 10_000; count++)
    assert.equal(table.get('ca', randomBytes(16).toString('hex')), undefined);
  for (let at = 0; at < known.length; at += 32) table.delete('ca', known, at, 16);
  assert.equal(table.size, 50_000);
  for (let at = 0; at < known.length; at += 16)
    assert.equal(table.get('ca', known.toString('hex', at, at + 16)) === undefined, at % 32 === 0);
});

test('serials that were counted up, and the same of another authority or length, are told apart', () => {
  const table = createRevocationTable();
  const octets = Buffer.alloc(4);
  for (let n = 0; n < 20_000; n++) {
    octets.writeUInt32BE(n);
    table.set('ca', octets, 0, 4, entry(n + 1));
  }
  assert.equal(table.size, 20_000);
  assert.equal(table.get('ca', '00000a0b')?.notAfter, 0x0a0b + 1);
  assert.equal(table.get('ca', '0a0b'), undefined);
  assert.equal(table.get('other', '00000a0b'), undefined);
  table.set('other', Buffer.from('0a0b', 'hex'), 0, 2, entry(7));
  assert.deepEqual([table.get('other', '0a0b')?.notAfter, table.get('ca', '0a0b')], [7, undefined]);
});

test('what is no serial is not there, and cannot come in', () => {
  const table = createRevocationTable();
  table.set('ca', Buffer.alloc(21, 0xab), 0, 21, entry());
  assert.ok(table.get('ca', 'ab'.repeat(21)));
  for (const text of ['', 'a', 'AB'.repeat(21), 'ab'.repeat(22), 'zz', 'a ', '0x', 'ab\u0130b'])
    assert.equal(table.get('ca', text), undefined, text);
  assert.throws(() => table.set('ca', Buffer.alloc(30), 0, 0, entry()), RangeError);
  assert.throws(() => table.set('ca', Buffer.alloc(30), 0, 22, entry()), RangeError);
});

test('a million take less than 100 MB, and no step of growing is long', (t) => {
  const table = createRevocationTable();
  const chunk = 1_000;
  let longest = 0;
  const began = performance.now();
  for (let done = 0; done < 1_000_000; done += chunk) {
    const octets = randomBytes(16 * chunk);
    const start = process.threadCpuUsage();
    for (let at = 0; at < octets.length; at += 16) table.set('ca', octets, at, 16, entry());
    const { user, system } = process.threadCpuUsage(start);
    longest = Math.max(longest, (user + system) / 1000);
  }
  const took = performance.now() - began;
  assert.equal(table.size, 1_000_000);
  assert.ok(table.bytes < 100_000_000, `${table.bytes} octets`);
  const unknown = randomBytes(16).toString('hex');
  const asking = performance.now();
  for (let count = 0; count < 1_000_000; count++) table.get('ca', unknown);
  const asked = performance.now() - asking;
  t.diagnostic(
    `${(table.bytes / 1e6).toFixed(1)} MB, filled in ${took.toFixed(0)} ms, longest 1,000 of CPU ${longest.toFixed(2)} ms, ${asked.toFixed(0)} ns each lookup`,
  );
});
