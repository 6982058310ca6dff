import assert from 'node:assert/strict';
import test from 'node:test';
import { createCrlFiles } from '../../src/revocation/crl-files.ts';
import { createCrlKeeper } from '../../src/revocation/crl-keeper.ts';
import { day, openCrlBench, serials } from './crl-bench.ts';

/** Revocations that come together share a CRL, and none is left out of it. */

test('a thousand revocations at once give one or two CRLs, with all of them', async (t) => {
  const bench = await openCrlBench(t);
  const files = createCrlFiles(bench.crls, [bench.authority]);
  let built = 0;
  const failures: unknown[] = [];
  const keeper = createCrlKeeper({
    authorities: [bench.authority],
    build: () => bench.build({ held: files.held }),
    files,
    clock: bench.clock,
    // So that a slow machine does not make more of them: after the first, the next comes when it is asked for.
    coalesceSeconds: 3600,
    pollSeconds: 3600,
    onChanged: async () => undefined,
    onBuilt: () => {
      built += 1;
    },
    onFailed: (_, error) => failures.push(error),
  });
  t.after(() => keeper.close());
  await keeper.start();
  bench.clock.advance(3600);
  built = 0;
  const revoked = await Promise.all(
    Array.from({ length: 1_000 }, async () => {
      const serial = await bench.revoke(30 * day);
      keeper.notify(bench.authority.name, false);
      return serial;
    }),
  );
  await keeper.maintain();
  assert.deepEqual(failures, []);
  assert.ok(built >= 1 && built <= 2, `${built} CRLs`);
  assert.deepEqual(serials(await bench.latest()), revoked.sort());
});

test('revocations, releases and builds at the same time: no CRL lacks what was acknowledged before it began', async (t) => {
  const bench = await openCrlBench(t);
  await bench.build();
  const acknowledged = new Set<string>();
  let writing = true;
  const writer = async (): Promise<void> => {
    for (let count = 0; count < 15; count += 1) {
      const serial = await bench.revoke(30 * day, 'certificateHold');
      acknowledged.add(serial);
      if (count % 5 !== 0) continue;
      // Between the two, either answer is right.
      acknowledged.delete(serial);
      await bench.release(serial);
    }
  };
  const builder = async (): Promise<void> => {
    while (writing) {
      const before = [...acknowledged];
      await bench.build();
      const listed = new Set(serials(await bench.latest()));
      for (const serial of before)
        if (acknowledged.has(serial)) assert.ok(listed.has(serial), `${serial} was acknowledged`);
    }
  };
  const building = builder();
  await Promise.all(Array.from({ length: 8 }, writer)).finally(() => {
    writing = false;
  });
  await building;
  await bench.build();
  assert.deepEqual(serials(await bench.latest()), [...acknowledged].sort());
});
