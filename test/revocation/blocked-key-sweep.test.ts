import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { createBlockedKeySweep } from '../../src/revocation/blocked-key-sweep.ts';
import { createBlockedKeyStore } from '../../src/store/blocked-keys.ts';
import { certificateRecord, daysFrom, start } from '../store/records.ts';
import { eventually } from '../support/eventually.ts';
import { revocationBench } from './revocation-bench.ts';

async function setUp(t: TestContext) {
  const bench = await revocationBench(t);
  const found: string[] = [];
  const failures: unknown[] = [];
  const sweep = createBlockedKeySweep({
    keys: createBlockedKeyStore(bench.db),
    revocation: bench.revocation,
    clock: bench.clock,
    onRevoked: (serial) => found.push(serial),
    onFailed: (error) => failures.push(error),
  });
  /** As a program of before does it: the key, and nothing else. */
  const block = (spkiSha256: Buffer, at = new Date(bench.clock.now())) =>
    bench.db.query({
      text: `insert into blocked_keys (spki_sha256, serial, blocked_at) values ($1, '\\x01', $2)`,
      values: [spkiSha256, at],
    });
  return { bench, sweep, found, failures, block };
}

test('a certificate that was being inserted while its key was blocked is revoked with the next look', async (t) => {
  const { bench, sweep, found } = await setUp(t);
  const spkiSha256 = randomBytes(32);
  const serial = await bench.issue({ spkiSha256 });
  const late = certificateRecord({ spkiSha256 });
  const columns = 'serial, authority, profile, subject, common_name, sans, not_before, not_after, requester';
  await bench.db.transaction(async (tx) => {
    // The insert has looked at the blocked keys already, and commits after the revocation.
    await tx.query({
      text: `insert into certificates (${columns}, spki_sha256, fingerprint, metadata, created_at, der)
        select $1, ${columns.slice('serial, '.length)}, spki_sha256, fingerprint, metadata, created_at, der
        from certificates where serial = $2`,
      values: [Buffer.from(late.serial, 'hex'), Buffer.from(serial, 'hex')],
    });
    const { siblings } = await bench.revocation.revoke({
      serial,
      reason: 'keyCompromise',
      requester: 'token:r',
    });
    assert.equal(siblings, undefined);
  });
  assert.equal(await bench.reasonOf(late.serial), undefined);
  bench.notified.length = 0;
  await sweep.sweep();
  assert.equal(await bench.reasonOf(late.serial), 'keyCompromise');
  assert.deepEqual(found, [late.serial]);
  assert.deepEqual(bench.notified, [['internal-ca', true]]);
  await sweep.sweep();
  assert.equal(found.length, 1);
});

test('holds become final; expired certificates, revoked ones and other keys are left as they are', async (t) => {
  const { bench, sweep, found, block } = await setUp(t);
  const spkiSha256 = randomBytes(32);
  const held = await bench.issue({ spkiSha256 });
  const superseded = await bench.issue({ spkiSha256 });
  const expired = await bench.issue({ spkiSha256, notAfter: start });
  const stranger = await bench.issue();
  const requester = 'token:q';
  await bench.revocation.revoke({ serial: held, reason: 'certificateHold', requester });
  await bench.revocation.revoke({ serial: superseded, reason: 'superseded', requester });
  await block(spkiSha256);
  await sweep.sweep();
  assert.deepEqual(found, [held]);
  assert.equal(await bench.reasonOf(held), 'keyCompromise');
  assert.equal(await bench.reasonOf(superseded), 'superseded');
  for (const serial of [expired, stranger]) assert.equal(await bench.reasonOf(serial), undefined);
});

test('a new term looks at every key, and then only at those blocked of late', async (t) => {
  const { bench, sweep, found, block, failures } = await setUp(t);
  const [before, later] = [randomBytes(32), randomBytes(32)];
  const first = await bench.issue({ spkiSha256: before });
  await block(before, daysFrom(start, -300));
  await sweep.sweep();
  assert.deepEqual(found, [first]);
  await bench.issue({ spkiSha256: later });
  await block(later, daysFrom(start, -300));
  await sweep.sweep();
  assert.equal(found.length, 1);
  const { signal } = new AbortController();
  await sweep.start({ epoch: 1n, signal, assertCurrent: async () => undefined });
  await eventually(() => assert.equal(found.length, 2));
  await sweep.stop();
  assert.deepEqual(failures, []);
});

test('a failure is told, and the next look finds what it left', async (t) => {
  const { bench, sweep, found, failures, block } = await setUp(t);
  const spkiSha256 = randomBytes(32);
  const serial = await bench.issue({ spkiSha256 });
  await block(spkiSha256);
  await bench.db.query({ text: 'alter table revocations rename to elsewhere' });
  await sweep.sweep();
  assert.equal(failures.length, 1);
  await bench.db.query({ text: 'alter table elsewhere rename to revocations' });
  await sweep.sweep();
  assert.deepEqual(found, [serial]);
});

test('more keys than one look takes are all found', async (t) => {
  const { bench, sweep, found, block } = await setUp(t);
  for (let n = 0; n < 230; n++) {
    const spkiSha256 = randomBytes(32);
    await bench.issue({ spkiSha256 });
    await block(spkiSha256);
  }
  await sweep.sweep();
  assert.equal(new Set(found).size, 230);
});
