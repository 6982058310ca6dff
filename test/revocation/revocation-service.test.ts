import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { encodeRevokedEntry } from '../../src/x509/crl.ts';
import { revocationReasons } from '../../src/x509/revocation-reason.ts';
import { certificateRecord, daysFrom, start } from '../store/records.ts';
import { changes, revocationBench } from './revocation-bench.ts';

const requester = 'token:r';

test('a hold is released, and then the certificate is as if it had never been revoked', async (t) => {
  const bench = await revocationBench(t);
  const serial = await bench.issue();
  const held = await bench.revocation.revoke({ serial, reason: 'certificateHold', requester });
  assert.deepEqual([held.reason, held.revoked], ['certificateHold', 1]);
  bench.clock.advance(60);
  const released = await bench.revocation.release({ serial, requester: 'token:s' });
  assert.deepEqual(released, { serial, releasedAt: daysFrom(start, 0.0423611111111111) });
  assert.equal(await bench.reasonOf(serial), undefined);
  assert.deepEqual(bench.notified, [
    ['internal-ca', false],
    ['internal-ca', false],
  ]);
  const [release] = await bench.db.query<{ held_by: string; requester: string; entry: Buffer }>({
    text: 'select held_by, requester, entry from hold_releases',
  });
  assert.deepEqual([release?.held_by, release?.requester], [requester, 'token:s']);
  assert.deepEqual(
    release?.entry,
    encodeRevokedEntry({
      serial: Buffer.from(serial, 'hex'),
      revocationDate: released.releasedAt,
      reason: 'removeFromCRL',
    }),
  );
  // And it may be revoked again.
  assert.equal((await bench.revocation.revoke({ serial, reason: 'superseded', requester })).revoked, 1);
});

test('only a hold is released', async (t) => {
  const bench = await revocationBench(t);
  const serial = await bench.issue();
  await assert.rejects(bench.revocation.release({ serial, requester }), {
    code: 'not-on-hold',
    message: /is not revoked/,
  });
  await assert.rejects(bench.revocation.release({ serial: '00ff', requester }), {
    code: 'certificate-not-found',
  });
  for (const reason of revocationReasons.filter((each) => each !== 'certificateHold')) {
    const revoked = await bench.issue();
    await bench.revocation.revoke({ serial: revoked, reason, requester });
    await assert.rejects(bench.revocation.release({ serial: revoked, requester }), {
      code: 'not-on-hold',
      message: new RegExp(`for good, with the reason ${reason}`),
    });
    assert.equal(await bench.reasonOf(revoked), reason);
  }
});

test('a hold takes any other reason and keeps its date; without a reason it becomes unspecified', async (t) => {
  const bench = await revocationBench(t);
  for (const reason of [...revocationReasons.filter((each) => each !== 'certificateHold'), undefined]) {
    const serial = await bench.issue();
    const held = await bench.revocation.revoke({ serial, reason: 'certificateHold', requester });
    bench.clock.advance(60);
    const final = await bench.revocation.revoke({ serial, reason, requester });
    assert.equal(final.reason, reason ?? 'unspecified');
    assert.equal(final.revoked, 1);
    assert.deepEqual(final.revokedAt, held.revokedAt);
    const [row] = await bench.db.query<{ entry: Buffer }>({
      text: 'select entry from revocations where serial = $1',
      values: [Buffer.from(serial, 'hex')],
    });
    const entry = {
      serial: Buffer.from(serial, 'hex'),
      revocationDate: held.revokedAt,
      reason: final.reason,
    };
    assert.deepEqual(row?.entry, encodeRevokedEntry(entry));
    assert.equal((await bench.revocation.revoke({ serial, reason, requester })).revoked, 0);
  }
});

test('what is revoked for good takes keyCompromise, and no other reason', async (t) => {
  const bench = await revocationBench(t);
  for (const reason of revocationReasons.filter((each) => each !== 'superseded')) {
    const serial = await bench.issue();
    const first = await bench.revocation.revoke({ serial, reason: 'superseded', requester });
    const again = bench.revocation.revoke({ serial, reason, requester });
    if (reason === 'keyCompromise') {
      assert.deepEqual([(await again).revoked, (await again).revokedAt], [1, first.revokedAt]);
      assert.equal(await bench.reasonOf(serial), 'keyCompromise');
      await assert.rejects(bench.revocation.revoke({ serial, reason: 'superseded', requester }), {
        code: 'revocation-conflict',
      });
    } else {
      await assert.rejects(again, { code: 'revocation-conflict', message: /with the reason superseded/ });
      assert.equal(await bench.reasonOf(serial), 'superseded');
    }
  }
});

test('a compromised key: every certificate of it that has not expired goes in the same change, and the key is blocked', async (t) => {
  const bench = await revocationBench(t);
  const spkiSha256 = randomBytes(32);
  const serial = await bench.issue({ spkiSha256 });
  const others = [
    await bench.issue({ spkiSha256, requester: 'token:b' }),
    await bench.issue({ spkiSha256, authority: 'other', profile: 'server' }),
  ];
  const held = await bench.issue({ spkiSha256 });
  const superseded = await bench.issue({ spkiSha256 });
  const expired = await bench.issue({ spkiSha256, notAfter: start });
  const stranger = await bench.issue();
  await bench.revocation.revoke({ serial: held, reason: 'certificateHold', requester });
  await bench.revocation.revoke({ serial: superseded, reason: 'superseded', requester });
  const before = (await changes(bench.db)).length;
  bench.notified.length = 0;

  const outcome = await bench.revocation.revoke({ serial, reason: 'keyCompromise', requester });
  const siblings = [...others, held, superseded].toSorted();
  assert.deepEqual(outcome.siblings, { count: 4, serials: siblings });
  assert.equal(outcome.revoked, 4);
  for (const each of [serial, ...others, held]) assert.equal(await bench.reasonOf(each), 'keyCompromise');
  // It is refused already, and what it was revoked for stays true.
  assert.equal(await bench.reasonOf(superseded), 'superseded');
  assert.equal(await bench.reasonOf(expired), undefined);
  assert.equal(await bench.reasonOf(stranger), undefined);
  const after = (await changes(bench.db)).slice(before);
  assert.deepEqual(
    after.map(({ rows }) => rows),
    [4],
  );
  assert.deepEqual(bench.notified.toSorted(), [
    ['internal-ca', true],
    ['other', true],
  ]);
  assert.equal(await bench.certificates.insert(certificateRecord({ spkiSha256 })), 'key-blocked');

  const again = await bench.revocation.revoke({ serial, reason: 'keyCompromise', requester });
  assert.deepEqual(again, { ...outcome, revoked: 0 });
  assert.equal((await changes(bench.db)).length, before + 1);
});

test('an expired certificate can be reported as compromised, too', async (t) => {
  const bench = await revocationBench(t);
  const spkiSha256 = randomBytes(32);
  const serial = await bench.issue({ spkiSha256, notAfter: start });
  const sibling = await bench.issue({ spkiSha256 });
  const outcome = await bench.revocation.revoke({ serial, reason: 'keyCompromise', requester });
  assert.deepEqual(outcome.siblings, { count: 1, serials: [sibling] });
  assert.equal(await bench.reasonOf(serial), 'keyCompromise');
  assert.equal(await bench.reasonOf(sibling), 'keyCompromise');
});

test('of very many siblings a hundred are shown', async (t) => {
  const bench = await revocationBench(t);
  const spkiSha256 = randomBytes(32);
  const serials = await Promise.all(Array.from({ length: 150 }, () => bench.issue({ spkiSha256 })));
  const [serial = ''] = serials;
  const { siblings } = await bench.revocation.revoke({ serial, reason: 'keyCompromise', requester });
  assert.equal(siblings?.count, 149);
  assert.equal(siblings.serials.length, 100);
  assert.equal(siblings.serials.includes(serial), false);
});

test('cACompromise is urgent as keyCompromise is, and the others are not', async (t) => {
  const bench = await revocationBench(t);
  for (const reason of revocationReasons) {
    bench.notified.length = 0;
    await bench.revocation.revoke({ serial: await bench.issue(), reason, requester });
    const urgent = reason === 'keyCompromise' || reason === 'cACompromise';
    assert.deepEqual(bench.notified, [['internal-ca', urgent]], reason);
  }
});

test('many who hold, release and revoke one certificate at once: it ends revoked, and every answer was true', async (t) => {
  const bench = await revocationBench(t);
  const serial = await bench.issue();
  const shake = async (): Promise<void> => {
    for (let round = 0; round < 20; round++) {
      await bench.revocation.revoke({ serial, reason: 'certificateHold', requester }).catch(expected);
      await bench.revocation.release({ serial, requester }).catch(expected);
    }
  };
  const shaking = [shake(), shake()];
  const final = await bench.revocation.revoke({ serial, reason: 'affiliationChanged', requester });
  await Promise.all(shaking);
  assert.equal(final.reason, 'affiliationChanged');
  assert.equal(await bench.reasonOf(serial), 'affiliationChanged');
});

function expected(error: unknown): void {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code !== 'not-on-hold' && code !== 'revocation-conflict' && code !== 'conflict') throw error;
}
