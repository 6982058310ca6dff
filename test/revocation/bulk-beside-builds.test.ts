import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCrl } from '../../src/x509/crl.ts';
import { eventually } from '../support/eventually.ts';
import { openCrlBench } from './crl-bench.ts';
import { benchOn, issueMany } from './revocation-bench.ts';
import { openIndex } from './revocation-indexes.ts';

const count = 10_000;

test('beside CRL builds and single revocations, a bulk is on a CRL whole or not at all, and replicas hear of it', async (t) => {
  const builder = await openCrlBench(t);
  const { db, crls, authority } = builder;
  const bench = benchOn(db);
  const { index } = openIndex(t, db);
  await index.start();
  await issueMany(db, count);
  const rows = await db.query<{ serial: string }>({
    text: `select encode(serial, 'hex') as serial from certificates`,
  });
  const bulkSerials = new Set(rows.map(({ serial }) => serial));

  let isDone = false;
  const bulk = bench.bulk
    .revokeMatching({
      filter: { requester: 'token:a' },
      ...{ all: false, reason: 'superseded', dryRun: false, expectedCount: count, requester: 'token:r' },
    })
    .finally(() => {
      isDone = true;
    });
  const singles: string[] = [];
  const seen: number[] = [];
  /** Of the newest CRL: how many of the bulk, and whether every acknowledged single revocation is on it. */
  const build = async (): Promise<void> => {
    const acknowledged = [...singles];
    await builder.build();
    const stored = await crls.latestDer(authority.name);
    assert.ok(stored);
    const listed = new Set([...readCrl(stored.der).entries()].map(({ serial }) => serial));
    for (const serial of acknowledged) assert.ok(listed.has(serial));
    seen.push([...listed].filter((serial) => bulkSerials.has(serial)).length);
    builder.clock.advance(1);
  };
  while (!isDone) {
    const serial = await bench.issue({ requester: 'token:b' });
    await bench.revocation.revoke({ serial, reason: 'unspecified', requester: 'token:s' });
    singles.push(serial);
    await build();
  }
  assert.equal((await bulk).revoked, count);
  await build();
  assert.ok(seen.length > 1);
  assert.deepEqual(
    seen.filter((number) => number !== 0 && number !== count),
    [],
  );
  assert.equal(seen.at(-1), count);
  await eventually(() => assert.equal(index.size, count + singles.length));
  for (const serial of bulkSerials) assert.equal(index.lookup('internal-ca', serial)?.reason, 'superseded');
});
