import assert from 'node:assert/strict';
import test from 'node:test';
import { createCrlFiles } from '../../src/revocation/crl-files.ts';
import { createImportStore } from '../../src/store/imports.ts';
import { day, openCrlBench, readSigned, serials } from './crl-bench.ts';

test('the first CRL is empty, signed and back-dated; it is not built again before it is due', async (t) => {
  const bench = await openCrlBench(t);
  const first = await bench.build();
  assert.equal(first?.number, BigInt(bench.clock.now() / 1000));
  const crl = await bench.latest();
  assert.equal(crl.crlNumber, first?.number);
  assert.deepEqual(serials(crl), []);
  assert.equal(crl.thisUpdate.getTime(), bench.clock.now() - 600_000);
  assert.equal(crl.nextUpdate.getTime(), bench.clock.now() + 7 * day * 1000);
  assert.equal(await bench.build(), undefined);
  bench.clock.advance(3.5 * day - 1);
  assert.equal(await bench.build(), undefined);
  bench.clock.advance(1);
  assert.equal((await bench.build())?.number, BigInt(bench.clock.now() / 1000));
});

test('a revocation makes a CRL due, once', async (t) => {
  const bench = await openCrlBench(t);
  await bench.build();
  const revocationDate = new Date(bench.clock.now());
  const serial = await bench.revoke(30 * day, 'superseded');
  bench.clock.advance(600);
  assert.notEqual(await bench.build(), undefined);
  assert.deepEqual([...(await bench.latest()).entries()], [{ serial, revocationDate, reason: 'superseded' }]);
  assert.equal(await bench.build(), undefined);
});

test('an entry stays until one CRL after the expiry of its certificate has held it', async (t) => {
  const bench = await openCrlBench(t);
  await bench.build();
  const serial = await bench.revoke(day);
  await bench.build();
  assert.deepEqual(serials(await bench.latest()), [serial]);
  bench.clock.advance(3.5 * day);
  await bench.build();
  assert.deepEqual(serials(await bench.latest()), [serial], 'the first CRL after the expiry');
  bench.clock.advance(3.5 * day);
  await bench.build();
  assert.deepEqual(serials(await bench.latest()), []);
});

test('a clock that was set back does not make a CRL older than the one it replaces', async (t) => {
  const bench = await openCrlBench(t);
  await bench.build();
  const before = await bench.latest();
  bench.clock.advance(-300);
  await bench.revoke(day);
  await bench.build();
  const after = await bench.latest();
  assert.equal(after.thisUpdate.getTime(), before.thisUpdate.getTime());
  assert.equal(after.crlNumber, before.crlNumber + 1n);
});

test('no entry of a CRL or of its delta is of after thisUpdate, which stays back-dated', async (t) => {
  const bench = await openCrlBench(t);
  const held = await bench.revoke(day, 'certificateHold');
  await bench.build({ delta: true });
  bench.clock.advance(120);
  await bench.release(held);
  await bench.revoke(day);
  await bench.build({ delta: true });
  const crl = await bench.latest();
  assert.ok(crl.thisUpdate.getTime() < bench.clock.now());
  const { delta } = await createCrlFiles(bench.crls, [bench.authority]).current(bench.authority.name);
  const listed = await readSigned(bench.authority, delta?.der ?? assert.fail());
  const entries = [...crl.entries(), ...listed.entries()];
  assert.equal(entries.length, 3);
  for (const { revocationDate } of entries) assert.deepEqual(revocationDate, crl.thisUpdate);

  bench.clock.advance(day / 2);
  await bench.revoke(day);
  await bench.build({ delta: true });
  const dates = [...(await bench.latest()).entries()].map(({ revocationDate }) => revocationDate.getTime());
  assert.ok(dates.includes(bench.clock.now() - (day / 2) * 1000), 'its own date, once that is past');
});

test('two builders at once make one CRL', async (t) => {
  const bench = await openCrlBench(t);
  const built = await Promise.all([bench.build(), bench.build(), bench.build()]);
  assert.equal(built.filter((crl) => crl !== undefined).length, 1);
});

test('numbers come from time, so a database restored from a backup does not give one out again', async (t) => {
  const bench = await openCrlBench(t);
  await bench.build();
  await bench.backUp();
  for (let count = 0; count < 5; count += 1) {
    bench.clock.advance(4 * day);
    await bench.build();
  }
  const published = await bench.latest();
  await bench.restore();
  bench.clock.advance(60);
  await bench.revoke(day);
  await bench.build();
  assert.ok((await bench.latest()).crlNumber > published.crlNumber);
});

test('a clock that was a year ahead for a while leaves a CRL that holds now, with every entry', async (t) => {
  const bench = await openCrlBench(t);
  await bench.build();
  const serial = await bench.revoke(30 * day);
  bench.clock.advance(365 * day);
  await bench.build();
  bench.clock.advance(-365 * day);
  assert.notEqual(await bench.build(), undefined);
  const crl = await bench.latest();
  assert.ok(crl.thisUpdate.getTime() <= bench.clock.now());
  assert.deepEqual(serials(crl), [serial]);
});

test('a CRL of another program that was imported is a floor: the next number is above it, at once and only once', async (t) => {
  const bench = await openCrlBench(t);
  await bench.build();
  const { crlNumber } = await bench.latest();
  const raise = (number: bigint) => createImportStore(bench.db).raiseCrlNumber('internal-ca', number);
  assert.equal(await raise(crlNumber - 1n), true);
  assert.equal(await bench.build(), undefined);
  const far = 2n ** 61n;
  for (const number of [crlNumber, far]) {
    assert.equal(await raise(number), true);
    assert.equal((await bench.build())?.number, number + 1n);
    assert.equal(await raise(number), false);
    assert.equal(await bench.build(), undefined);
  }
  // A floor of before stays.
  assert.equal(await raise(5n), false);
  await bench.revoke(day);
  assert.equal((await bench.build())?.number, far + 2n);
});
