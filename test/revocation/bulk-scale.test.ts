import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certificateRecord } from '../store/records.ts';
import { watchStalls } from '../support/stalls.ts';
import { changes, issueMany, revocationBench } from './revocation-bench.ts';

const count = 100_000;

test('a hundred thousand at once, while others revoke and issue: one change, and nobody waits for its pages', async (t) => {
  const bench = await revocationBench(t);
  await issueMany(bench.db, count);
  await issueMany(bench.db, count / 2, { requester: 'token:b' });
  const others = await bench.db.query<{ serial: string }>({
    text: `select encode(serial, 'hex') as serial from certificates where requester = 'token:b' limit 2000`,
  });
  const request = { filter: { requester: 'token:a' }, all: false, requester: 'token:r' } as const;
  const wanted = { ...request, reason: 'privilegeWithdrawn', dryRun: false, expectedCount: count } as const;

  const dryStarted = performance.now();
  const planned = await bench.bulk.revokeMatching({ ...wanted, dryRun: true });
  assert.deepEqual([planned.matched, planned.revoked], [count, count]);
  const dryMs = performance.now() - dryStarted;

  const stalls = watchStalls();
  const started = performance.now();
  let isDone = false;
  const bulk = bench.bulk.revokeMatching(wanted).finally(() => {
    isDone = true;
  });
  // What others do meanwhile, one after the other; none of it is of the same certificates.
  const waits: number[] = [];
  for (const { serial } of others) {
    if (isDone) break;
    const from = performance.now();
    await bench.revocation.revoke({ serial, reason: 'superseded', requester: 'token:s' });
    assert.equal(await bench.certificates.insert(certificateRecord({ requester: 'token:c' })), 'inserted');
    waits.push(performance.now() - from);
  }
  const outcome = await bulk;
  const tookMs = performance.now() - started;
  const stallMs = stalls.stop();

  assert.equal(outcome.revoked, count);
  assert.ok(waits.length > 0, 'nothing was done meanwhile');
  // The head was free while the pages were written: what came meanwhile has its place before the bulk.
  const all = await changes(bench.db);
  const place = all.findIndex(({ rows }) => rows === count);
  assert.ok(place > 0, `the bulk is change ${place} of ${all.length}`);
  const worst = Math.max(...waits);
  t.diagnostic(
    `${count} certificates: dry run ${dryMs.toFixed(0)} ms, run ${tookMs.toFixed(0)} ms, longest stall ${stallMs.toFixed(1)} ms of CPU; ` +
      `meanwhile ${waits.length} revocations and issuances of others, the slowest pair ${worst.toFixed(0)} ms`,
  );

  const again = performance.now();
  const repeated = await bench.bulk.revokeMatching(wanted);
  assert.deepEqual([repeated.matched, repeated.alreadyRevoked, repeated.revoked], [count, count, 0]);
  t.diagnostic(`asked again, with nothing left to do: ${(performance.now() - again).toFixed(0)} ms`);
});
