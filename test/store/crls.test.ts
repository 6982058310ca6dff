import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { type BuiltCrl, type CrlBuildSession, createCrlStore } from '../../src/store/crls.ts';
import { closeChange, insertRevocations, newChangeId } from '../../src/store/revocation-changes.ts';
import { anyTime, buildAt, inTerm, openStores, read, revokeOne, serialsOf } from './crl-stores.ts';
import { certificateRecord, daysFrom, entryOf, revocationRequest, start } from './records.ts';

test('without a CRL there is none; the first has number 1 and may be empty', async (t) => {
  const { crls } = await openStores(t);
  assert.equal(await crls.latest('internal-ca'), undefined);
  assert.equal(await crls.latestDer('internal-ca'), undefined);
  const built = await crls.build('internal-ca', anyTime, async (session) => {
    assert.deepEqual([session.previous, session.number, session.pending], [undefined, 1n, 0]);
    return buildAt(start)(session);
  });
  assert.ok(built);
  const { createdAt, ...rest } = built;
  assert.ok(createdAt instanceof Date);
  assert.deepEqual(rest, {
    authority: 'internal-ca',
    number: 1n,
    thisUpdate: start,
    nextUpdate: daysFrom(start, 7),
    entryCount: 0,
    sha256: createHash('sha256')
      .update(Buffer.from([0xff]))
      .digest('hex'),
    sizeBytes: 1,
    position: 0n,
  });
  assert.deepEqual(await crls.latest('internal-ca'), built);
  assert.deepEqual(await crls.latestDer('internal-ca'), { ...built, der: Buffer.from([0xff]) });
});

test('a CRL of several megabytes is hashed and read back byte for byte', async (t) => {
  const { crls } = await openStores(t);
  const der = randomBytes(3 * 1024 * 1024 + 5);
  const built = await crls.build('internal-ca', anyTime, async (session) => {
    await read(session);
    return {
      thisUpdate: start,
      nextUpdate: daysFrom(start, 7),
      der: [der.subarray(0, 70_000), der.subarray(70_000)],
    };
  });
  assert.equal(built?.sha256, createHash('sha256').update(der).digest('hex'));
  assert.equal((await crls.latestDer('internal-ca'))?.der.equals(der), true);
});

test('entries come in ascending order of serial, of this authority only', async (t) => {
  const stores = await openStores(t);
  const serials: string[] = [];
  for (let index = 0; index < 20; index++) serials.push(await revokeOne(stores));
  await revokeOne(stores, daysFrom(start, 90), 'other');
  const built = await stores.crls.build('internal-ca', anyTime, buildAt(start));
  assert.equal(built?.entryCount, 20);
  assert.deepEqual(await serialsOf(stores.crls), serials.toSorted());
});

// Pages of ten thousand: with the last one full, and not.
for (const count of [20_000, 25_000])
  test(`${count} entries come whole, in pages, byte for byte`, async (t) => {
    const stores = await openStores(t);
    const [before, after] = around('7f'.repeat(16));
    // A serial whose first bit is set has a zero before it in DER, and none in its row.
    const [beforeZero] = around('80'.repeat(16));
    await stores.db.query({
      text: `with c as (
          insert into certificates (serial, authority, profile, subject, sans, not_before, not_after, requester,
            spki_sha256, fingerprint, metadata, created_at, der)
          select set_byte(substr(sha256(i::text::bytea), 1, 16), 0, 127 + i % 2), 'internal-ca', 'client', 'CN=x', '{}',
            now(), now() + interval '1 year', 't', sha256(''), sha256(''), '{}', now(), ''
          from generate_series(1, $4::int) i returning id, serial, authority, not_after
        ) insert into revocations
          (serial, certificate_id, authority, entry, not_after, revoked_at, reason, requester, change_id)
        select serial, id, authority,
          case get_byte(serial, 0) when 127 then $1::bytea else $2::bytea end || serial || $3::bytea,
          not_after, now(), 'unspecified', 't', 0 from c`,
      values: [before, beforeZero, after, count],
    });
    const built = await stores.crls.build('internal-ca', anyTime, buildAt(start));
    assert.equal(built?.entryCount, count);
    const serials = Array.from({ length: count }, (_, at) => {
      const digest = createHash('sha256').update(String(at + 1));
      return (at % 2 === 0 ? '80' : '7f') + digest.digest('hex').slice(2, 32);
    });
    const { der } = (await stores.crls.latestDer('internal-ca')) ?? assert.fail();
    assert.equal(der.equals(Buffer.concat([...serials.sort().map(entryOf), Buffer.of(0xff)])), true);
  });

test('entries that are not of their rows end the build, which would have no end', async (t) => {
  const stores = await openStores(t);
  await stores.db.query({
    text: `insert into revocations (serial, authority, entry, not_after, revoked_at, reason, requester, change_id)
      select set_byte(substr(sha256(i::text::bytea), 1, 16), 0, 127), 'internal-ca', $1::bytea, now() + interval '1 year',
        now(), 'unspecified', 't', 0 from generate_series(1, 12000) i`,
    values: [entryOf('01')],
  });
  await assert.rejects(
    stores.crls.build('internal-ca', anyTime, buildAt(start)),
    /not of its serial: after 01$/,
  );
  assert.equal(await stores.crls.latest('internal-ca'), undefined);
});

/** The octets of an entry before and behind the serial. */
function around(serial: string): [Buffer, Buffer] {
  const entry = entryOf(serial);
  const at = entry.indexOf(serial, 'hex');
  return [entry.subarray(0, at), entry.subarray(at + serial.length / 2)];
}

test('builds that start at once take turns and give rising numbers', async (t) => {
  const stores = await openStores(t);
  // As a second process would: a store of its own.
  const others = inTerm(createCrlStore(stores.db), stores.crls.epoch);
  let building = 0;
  const work = async (session: CrlBuildSession): Promise<BuiltCrl> => {
    assert.equal(++building, 1);
    const built = await buildAt(start)(session);
    building--;
    return built;
  };
  const built = await Promise.all(
    [stores.crls, others, stores.crls, others].map((crls) => crls.build('internal-ca', anyTime, work)),
  );
  assert.deepEqual(built.map((crl) => crl?.number).sort(), [1n, 2n, 3n, 4n]);
});

test('two authorities build side by side', async (t) => {
  const { crls } = await openStores(t);
  await crls.build('internal-ca', anyTime, async (session) => {
    const other = await crls.build('other', anyTime, buildAt(start));
    assert.equal(other?.number, 1n);
    return buildAt(start)(session);
  });
});

test('a revocation that commits during a build is not lost: it is in the next CRL', async (t) => {
  const stores = await openStores(t);
  const before = await revokeOne(stores);
  let during = '';
  await stores.crls.build('internal-ca', anyTime, async (session) => {
    during = await revokeOne(stores);
    return buildAt(start)(session);
  });
  assert.deepEqual(await serialsOf(stores.crls), [before]);
  assert.deepEqual(await stores.revocations.pending('internal-ca'), { count: 1, compromised: false });
  assert.equal((await stores.certificates.findBySerial(before))?.revocation?.crlNumber, '1');
  assert.equal((await stores.certificates.findBySerial(during))?.revocation?.crlNumber, undefined);

  await stores.crls.build('internal-ca', anyTime, async (session) => {
    assert.equal(session.pending, 1);
    return buildAt(start)(session);
  });
  assert.deepEqual(await serialsOf(stores.crls), [before, during].sort());
  assert.equal((await stores.certificates.findBySerial(during))?.revocation?.crlNumber, '2');
  assert.equal((await stores.certificates.findBySerial(before))?.revocation?.crlNumber, '1');
});

test('a revocation that began before another and commits after it is in the next CRL', async (t) => {
  const stores = await openStores(t);
  const slow = certificateRecord();
  let quick = '';
  await stores.db.transaction(async (tx) => {
    const changeId = await newChangeId(tx);
    const { serial, authority, notAfter, requester } = slow;
    const { entry, revokedAt, reason } = revocationRequest(serial);
    const row = { serial, authority, notAfter, requester, entry, revokedAt, reason, certificateId: null };
    await insertRevocations(tx, [{ ...row, inCrl: true }], changeId);
    quick = await revokeOne(stores);
    await stores.crls.build('internal-ca', anyTime, buildAt(start));
    await closeChange(tx, changeId);
  });
  assert.deepEqual(await serialsOf(stores.crls), [quick]);
  await stores.crls.build('internal-ca', anyTime, async (session) => {
    assert.equal(session.pending, 1);
    return buildAt(start)(session);
  });
  assert.deepEqual(await serialsOf(stores.crls), [quick, slow.serial].sort());
});

test('an entry leaves only after one CRL that was issued past the expiry of its certificate', async (t) => {
  const stores = await openStores(t);
  const stays = await revokeOne(stores);
  const leaves = await revokeOne(stores, daysFrom(start, 10));
  const steps: [number, string[]][] = [
    [5, [stays, leaves]],
    // Expired, but no CRL since has said so.
    [11, [stays, leaves]],
    [12, [stays]],
    [13, [stays]],
  ];
  for (const [days, expected] of steps) {
    await stores.crls.build('internal-ca', anyTime, buildAt(daysFrom(start, days)));
    assert.deepEqual(await serialsOf(stores.crls), expected.toSorted(), `day ${days}`);
  }
});

test('a certificate revoked after it expired is still on one CRL', async (t) => {
  const stores = await openStores(t);
  await stores.crls.build('internal-ca', anyTime, buildAt(daysFrom(start, 20)));
  const late = await revokeOne(stores, daysFrom(start, 10));
  await stores.crls.build('internal-ca', anyTime, buildAt(daysFrom(start, 21)));
  assert.deepEqual(await serialsOf(stores.crls), [late]);
  await stores.crls.build('internal-ca', anyTime, buildAt(daysFrom(start, 22)));
  assert.deepEqual(await serialsOf(stores.crls), []);
});

test('work that answers nothing, or fails, leaves everything as it was', async (t) => {
  const stores = await openStores(t);
  const expired = await revokeOne(stores, daysFrom(start, 10));
  await stores.crls.build('internal-ca', anyTime, buildAt(daysFrom(start, 11)));
  const pending = await revokeOne(stores);
  assert.equal(await stores.crls.build('internal-ca', anyTime, async () => undefined), undefined);
  await assert.rejects(
    stores.crls.build('internal-ca', anyTime, async () => {
      throw new Error('the key is gone');
    }),
    /the key is gone/,
  );
  assert.equal((await stores.revocations.pending('internal-ca')).count, 1);
  assert.equal((await stores.crls.latest('internal-ca'))?.number, 1n);
  const [row] = await stores.db.query<{ in_crl: boolean }>({
    text: 'select in_crl from revocations where serial = $1',
    values: [Buffer.from(expired, 'hex')],
  });
  assert.equal(row?.in_crl, true);
  await stores.crls.build('internal-ca', anyTime, buildAt(daysFrom(start, 12)));
  assert.deepEqual(await serialsOf(stores.crls), [pending]);
});

test('a CRL made without reading every entry is refused', async (t) => {
  const stores = await openStores(t);
  await revokeOne(stores);
  const built = { thisUpdate: start, nextUpdate: daysFrom(start, 7), der: [Buffer.from([1])] };
  await assert.rejects(
    stores.crls.build('internal-ca', anyTime, async () => built),
    /without reading every entry/,
  );
  await assert.rejects(
    stores.crls.build('internal-ca', anyTime, async (session) => {
      for await (const _ of session.entries()) break;
      return built;
    }),
    /without reading every entry/,
  );
  assert.equal(await stores.crls.latest('internal-ca'), undefined);
  assert.equal((await stores.revocations.pending('internal-ca')).count, 1);
});

test('the last three CRLs of an authority are kept', async (t) => {
  const { crls, db } = await openStores(t);
  await crls.build('other', anyTime, buildAt(start));
  for (let index = 0; index < 5; index++) await crls.build('internal-ca', anyTime, buildAt(start));
  const rows = await db.query<{ kept: string }>({
    text: 'select authority || number as kept from crls order by authority, number',
  });
  assert.deepEqual(
    rows.map((row) => row.kept),
    ['internal-ca3', 'internal-ca4', 'internal-ca5', 'other1'],
  );
});

test('a number is never given again, though the CRLs themselves be gone', async (t) => {
  const stores = await openStores(t);
  await stores.crls.build('internal-ca', { ...anyTime, atLeast: 500n }, buildAt(start));
  await stores.db.query({ text: 'delete from crls' });
  assert.equal((await stores.crls.build('internal-ca', anyTime, buildAt(start)))?.number, 501n);
});

test('each CRL is remembered, with the changes that it tells of', async (t) => {
  const stores = await openStores(t);
  await stores.crls.build('internal-ca', anyTime, buildAt(start));
  await revokeOne(stores);
  await revokeOne(stores, daysFrom(start, 90), 'other');
  await stores.crls.build('internal-ca', anyTime, buildAt(daysFrom(start, 1)));
  for (let index = 0; index < 5; index++)
    await stores.crls.build('internal-ca', anyTime, buildAt(daysFrom(start, 2)));
  const rows = await stores.db.query({
    text: `select number::int, position::int, this_update, next_update from crl_history
      where authority = 'internal-ca' order by number limit 2`,
  });
  assert.deepEqual(rows, [
    { number: 1, position: 0, this_update: start, next_update: daysFrom(start, 7) },
    { number: 2, position: 2, this_update: daysFrom(start, 1), next_update: daysFrom(start, 8) },
  ]);
});

test('changes of other authorities are no reason for a CRL, and are not looked through for ever', async (t) => {
  const stores = await openStores(t);
  await stores.crls.build('internal-ca', anyTime, buildAt(start));
  const look = async (): Promise<void> => {
    await stores.crls.build('internal-ca', anyTime, async ({ pending }) => {
      assert.equal(pending, 0);
      return undefined;
    });
  };
  const change = async (authority: string): Promise<void> => {
    await stores.db.transaction(async (tx) => {
      const changeId = await newChangeId(tx);
      const { serial, notAfter, requester } = certificateRecord();
      const { entry, revokedAt, reason } = revocationRequest(serial);
      const row = { serial, authority, notAfter, requester, entry, revokedAt, reason };
      await insertRevocations(tx, [{ ...row, certificateId: null, inCrl: true }], changeId);
      await closeChange(tx, changeId);
    });
  };
  for (let count = 0; count < 999; count++) await change('other');
  await look();
  assert.equal((await stores.crls.latest('internal-ca'))?.position, 0n);
  await change('other');
  await look();
  assert.equal((await stores.crls.latest('internal-ca'))?.position, 1000n);
  await change('internal-ca');
  await stores.crls.build('internal-ca', anyTime, async (session) => {
    assert.equal(session.pending, 1);
    return undefined;
  });
  assert.equal((await stores.crls.latest('internal-ca'))?.position, 1000n);
});

test('what no CRL lists, as the revocation of a probe, is no reason for one', async (t) => {
  const stores = await openStores(t);
  await stores.crls.build('internal-ca', anyTime, buildAt(start));
  const record = certificateRecord();
  await stores.certificates.insert(record);
  await stores.revocations.revoke(revocationRequest(record.serial, { inCrl: false }));
  await stores.crls.build('internal-ca', anyTime, async (session) => {
    assert.equal(session.pending, 0);
    return buildAt(start)(session);
  });
  assert.deepEqual(await serialsOf(stores.crls), []);
});

test('after a CRL of a program of before, which knew of no positions, the next is built at once and lacks nothing', async (t) => {
  const stores = await openStores(t);
  const listed = await revokeOne(stores);
  await stores.crls.build('internal-ca', anyTime, buildAt(start));
  // As that program leaves it: no position, no history, and the serials that it listed are marked in a way of its own.
  await stores.db.query({ text: 'update crls set position = 0' });
  await stores.db.query({ text: 'delete from crl_history' });
  await stores.db.query({ text: 'update revocations set first_crl = 1' });
  const built = await stores.crls.build('internal-ca', anyTime, async (session) => {
    assert.equal(session.pending, 1);
    assert.deepEqual(await session.wronglyGone([]), []);
    return buildAt(start)(session);
  });
  assert.deepEqual([built?.number, built?.position], [2n, 1n]);
  assert.deepEqual(await serialsOf(stores.crls), [listed]);
});
