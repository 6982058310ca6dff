import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { type BulkRevokeRequest, unconfirmedLimit } from '../../src/revocation/bulk-revocation.ts';
import { certificateRecord, daysFrom, start } from '../store/records.ts';
import { benchOn, changes, issueMany, type RevocationBench, revocationBench } from './revocation-bench.ts';

function request(changes: Partial<BulkRevokeRequest> = {}): BulkRevokeRequest {
  return {
    filter: { requester: 'token:a' },
    all: false,
    reason: 'privilegeWithdrawn',
    dryRun: false,
    requester: 'token:r',
    ...changes,
  };
}

/** The serials that are revoked. */
async function revokedSerials({ db }: RevocationBench): Promise<string[]> {
  const rows = await db.query<{ serial: string }>({
    text: `select encode(serial, 'hex') as serial from revocations order by 1`,
  });
  return rows.map(({ serial }) => serial);
}

test('a filter finds exactly what the search finds: each criterion alone, and all that it says together', async (t) => {
  const bench = await revocationBench(t);
  const spkiSha256 = randomBytes(32);
  const createdAt = daysFrom(start, -3);
  const mine = await bench.issue({
    ...{ requester: 'token:x', profile: 'device', authority: 'other', spkiSha256, createdAt },
    subject: 'CN=Robot 7,O=Example',
    commonName: 'Robot 7',
  });
  await bench.issue({ requester: 'token:y' });
  const criteria = [
    { requester: 'token:x' },
    { profile: 'device' },
    { authority: 'other', profile: 'device' },
    { subject: 'robot' },
    { subject: 'cn=robot 7,o' },
    { spkiSha256 },
    { issuedBefore: start },
    { issuedAfter: createdAt, issuedBefore: new Date(createdAt.getTime() + 1) },
    { requester: 'token:x', profile: 'device', subject: 'Robot', issuedAfter: createdAt, spkiSha256 },
  ];
  for (const filter of criteria) {
    const { matched, serials } = await bench.bulk.revokeMatching(request({ filter, dryRun: true }));
    assert.deepEqual([matched, serials], [1, [mine]], JSON.stringify(filter));
  }
  for (const filter of [
    { requester: 'token:' },
    { subject: '%' },
    { subject: 'x', spkiSha256 },
    { issuedAfter: new Date(start.getTime() + 1) },
    { issuedBefore: createdAt },
    { requester: 'token:x', profile: 'client' },
  ]) {
    const { matched } = await bench.bulk.revokeMatching(request({ filter, dryRun: true }));
    assert.equal(matched, 0, JSON.stringify(filter));
  }
});

test('a dry run counts and changes nothing; the run revokes what it counted, in one change; again finds nothing to do', async (t) => {
  const bench = await revocationBench(t);
  const serials = await Promise.all(Array.from({ length: 50 }, () => bench.issue()));
  const revokedBefore = serials[0] ?? '';
  await bench.revocation.revoke({ serial: revokedBefore, reason: 'superseded', requester: 'token:q' });
  await bench.issue({ notAfter: start });
  await bench.issue({ requester: 'token:b' });
  bench.notified.length = 0;

  const planned = await bench.bulk.revokeMatching(request({ dryRun: true }));
  const counts = { matched: 50, alreadyRevoked: 1, revoked: 49, serials: serials.toSorted().slice(0, 20) };
  assert.deepEqual(planned, { dryRun: true, reason: 'privilegeWithdrawn', ...counts, authorities: [] });
  assert.deepEqual(await revokedSerials(bench), [revokedBefore]);
  assert.deepEqual(bench.notified, []);

  const done = await bench.bulk.revokeMatching(request({ expectedCount: 50 }));
  assert.deepEqual(done, { ...planned, dryRun: false, authorities: ['internal-ca'] });
  assert.deepEqual(await revokedSerials(bench), serials.toSorted());
  assert.equal(await bench.reasonOf(revokedBefore), 'superseded');
  assert.deepEqual(bench.notified, [['internal-ca', false]]);
  assert.deepEqual(
    (await changes(bench.db)).map(({ rows }) => rows),
    [1, 49],
  );
  const record = await bench.certificates.findBySerial(serials[1] ?? '');
  assert.deepEqual(record?.revocation, {
    reason: 'privilegeWithdrawn',
    requester: 'token:r',
    revokedAt: new Date(bench.clock.now()),
  });

  const again = await bench.bulk.revokeMatching(request({ expectedCount: 50 }));
  assert.deepEqual([again.matched, again.alreadyRevoked, again.revoked], [50, 50, 0]);
  assert.equal((await changes(bench.db)).length, 2);
  assert.equal(bench.notified.length, 1);
});

test('another number than the expected one: nothing is done, and the answer says how many there are', async (t) => {
  const bench = await revocationBench(t);
  await Promise.all([bench.issue(), bench.issue()]);
  for (const expectedCount of [0, 1, 3]) {
    await assert.rejects(bench.bulk.revokeMatching(request({ expectedCount })), {
      code: 'count-unexpected',
      message: new RegExp(`^2 certificates match, 0 of them .* not ${expectedCount}`),
    });
  }
  await assert.rejects(
    bench.bulk.revokeMatching(request({ filter: { requester: 'token:none' }, expectedCount: 1 })),
    { code: 'count-unexpected' },
  );
  assert.deepEqual(await revokedSerials(bench), []);
  assert.deepEqual(bench.notified, []);
  assert.equal((await bench.bulk.revokeMatching(request({ expectedCount: 2 }))).revoked, 2);
});

test('more than a few only for who says how many', async (t) => {
  const bench = await revocationBench(t);
  await issueMany(bench.db, unconfirmedLimit);
  const one = await bench.issue();
  await assert.rejects(bench.bulk.revokeMatching(request()), { code: 'count-unexpected' });
  assert.deepEqual(await revokedSerials(bench), []);
  await bench.db.query({
    text: 'delete from certificates where serial = $1',
    values: [Buffer.from(one, 'hex')],
  });
  assert.equal((await bench.bulk.revokeMatching(request())).revoked, unconfirmedLimit);
});

test('the whole table only for who says so, and how many', async (t) => {
  const bench = await revocationBench(t);
  await Promise.all([bench.issue(), bench.issue({ authority: 'other' })]);
  const refused: Partial<BulkRevokeRequest>[] = [
    { filter: {} },
    { filter: { authority: 'internal-ca' } },
    { filter: { profile: 'client' }, all: true },
    { filter: {}, all: true },
    { filter: { issuedAfter: start, issuedBefore: start } },
  ];
  for (const wrong of refused)
    await assert.rejects(bench.bulk.revokeMatching(request(wrong)), { code: 'request-invalid' });
  assert.deepEqual(await revokedSerials(bench), []);
  const planned = await bench.bulk.revokeMatching(request({ filter: {}, all: true, dryRun: true }));
  assert.equal(planned.matched, 2);
  const mine = request({ filter: { authority: 'internal-ca' }, all: true, expectedCount: 1 });
  assert.equal((await bench.bulk.revokeMatching(mine)).revoked, 1);
  const all = request({ filter: {}, all: true, expectedCount: 2, reason: 'cACompromise' });
  assert.deepEqual((await bench.bulk.revokeMatching(all)).authorities, ['other']);
  assert.deepEqual(bench.notified, [
    ['internal-ca', false],
    ['other', true],
  ]);
});

test('holds become final, and a hold in bulk leaves what is revoked as it is', async (t) => {
  const bench = await revocationBench(t);
  const [held, free, final] = [await bench.issue(), await bench.issue(), await bench.issue()];
  const requester = 'token:q';
  const { revokedAt } = await bench.revocation.revoke({ serial: held, reason: 'certificateHold', requester });
  await bench.revocation.revoke({ serial: final, reason: 'superseded', requester });
  bench.clock.advance(60);
  const holds = await bench.bulk.revokeMatching(request({ reason: 'certificateHold' }));
  assert.deepEqual([holds.alreadyRevoked, holds.revoked], [2, 1]);
  const outcome = await bench.bulk.revokeMatching(request());
  assert.deepEqual([outcome.matched, outcome.alreadyRevoked, outcome.revoked], [3, 1, 2]);
  assert.deepEqual((await bench.certificates.findBySerial(held))?.revocation, {
    ...{ reason: 'privilegeWithdrawn', requester: 'token:r', revokedAt },
  });
  assert.equal(await bench.reasonOf(free), 'privilegeWithdrawn');
  assert.equal(await bench.reasonOf(final), 'superseded');
});

test('with keyCompromise the keys are blocked, and their other certificates go with them', async (t) => {
  const bench = await revocationBench(t);
  const shared = randomBytes(32);
  const gone = randomBytes(32);
  const mine = [await bench.issue({ spkiSha256: shared }), await bench.issue()];
  const sibling = await bench.issue({ spkiSha256: shared, requester: 'token:b' });
  const stranger = await bench.issue({ requester: 'token:b' });
  const final = await bench.issue({ spkiSha256: gone });
  await bench.revocation.revoke({ serial: final, reason: 'superseded', requester: 'token:q' });
  const outcome = await bench.bulk.revokeMatching(request({ reason: 'keyCompromise' }));
  assert.deepEqual([outcome.matched, outcome.alreadyRevoked, outcome.revoked], [4, 1, 3]);
  for (const serial of [...mine, sibling]) assert.equal(await bench.reasonOf(serial), 'keyCompromise');
  assert.equal(await bench.reasonOf(stranger), undefined);
  // The key of what was revoked before is no less compromised.
  for (const spkiSha256 of [shared, gone])
    assert.equal(await bench.certificates.insert(certificateRecord({ spkiSha256 })), 'key-blocked');
});

test('a crash in between leaves nothing behind', async (t) => {
  const bench = await revocationBench(t);
  await issueMany(bench.db, 5_000);
  // The third page fails, as if the process or the connection had died there.
  await bench.db.query({
    text: `create function fail_late() returns trigger language plpgsql as $$
      begin
        if (select count(*) from revocations) > 2500 then raise exception 'cut off'; end if;
        return null;
      end $$`,
  });
  await bench.db.query({
    text: 'create trigger fail_late after insert on revocations for each statement execute function fail_late()',
  });
  await assert.rejects(bench.bulk.revokeMatching(request({ expectedCount: 5_000 })), /cut off/);
  assert.deepEqual(await revokedSerials(bench), []);
  assert.deepEqual(await changes(bench.db), []);
  assert.deepEqual(bench.notified, []);
  await bench.db.query({ text: 'drop trigger fail_late on revocations' });
  assert.equal((await bench.bulk.revokeMatching(request({ expectedCount: 5_000 }))).revoked, 5_000);
});

test('two bulks and many single revocations of the same certificates at once: each is revoked by one of them', async (t) => {
  const bench = await revocationBench(t);
  const other = benchOn(bench.db);
  await issueMany(bench.db, 5_000);
  const rows = await bench.db.query<{ serial: string }>({
    text: `select encode(serial, 'hex') as serial from certificates order by random() limit 300`,
  });
  const requester = 'token:s';
  const singles = rows.map(({ serial }, index) =>
    bench.revocation
      .revoke({ serial, reason: index % 3 === 0 ? 'certificateHold' : 'superseded', requester })
      .then(({ revoked }) => revoked)
      .catch((error: unknown) => {
        // The bulk was first.
        assert.ok(
          error instanceof Error && 'code' in error && error.code === 'revocation-conflict',
          String(error),
        );
        return 0;
      }),
  );
  const bulks = [bench, other].map(({ bulk }) => bulk.revokeMatching(request({ expectedCount: 5_000 })));
  await Promise.all([...singles, ...bulks]);
  assert.equal((await revokedSerials(bench)).length, 5_000);
  const [held] = await bench.db.query<{ count: number }>({
    text: `select count(*)::int as count from revocations where reason = 'certificateHold'`,
  });
  // A hold that came after a bulk had passed would be a conflict; one before is final now.
  assert.equal(held?.count, 0);
  const positions = (await changes(bench.db)).map(({ position }) => position);
  assert.deepEqual(
    positions,
    positions.map((_, index) => index + 1),
  );
});
