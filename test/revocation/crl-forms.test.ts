import assert from 'node:assert/strict';
import test from 'node:test';
import { encodePem } from '../../src/encoding/pem.ts';
import { createCrlFiles } from '../../src/revocation/crl-files.ts';
import { closeChange, newChangeId } from '../../src/store/revocation-changes.ts';
import { encodeRevokedEntry } from '../../src/x509/crl.ts';
import { skipUnless } from '../support/skip.ts';
import { openssl } from '../x509/openssl.ts';
import { type CrlBench, day, openCrlBench, readSigned, serials } from './crl-bench.ts';

/** Other forms of the complete CRL: without reason codes, and only what has changed. */

const freshestCrl = (name: string): string => `http://ca.example/crl/${name}/delta.crl`;

/** As many revocations as a bulk would leave. */
async function revokeMany({ db, clock, authority }: CrlBench, count: number): Promise<void> {
  const serial = Buffer.alloc(16, 0x5a);
  const entry = encodeRevokedEntry({ serial, revocationDate: new Date(clock.now()), reason: 'superseded' });
  const at = entry.indexOf(serial);
  await db.transaction(async (tx) => {
    const change = await newChangeId(tx);
    await tx.query({
      text: `insert into revocations (serial, authority, entry, not_after, revoked_at, reason, requester, change_id)
        select serial, $1, $2::bytea || serial || $3::bytea, $4, $5, 'superseded', 't', $6
        from (select set_byte(substr(sha256(n::text::bytea), 1, 16), 0, 1 + n % 127) as serial from generate_series(1, $7::int) n)`,
      values: [
        authority.name,
        entry.subarray(0, at),
        entry.subarray(at + 16),
        new Date(clock.now() + 90 * day * 1000),
        new Date(clock.now()),
        change,
        count,
      ],
    });
    await closeChange(tx, change);
  });
}

async function current(bench: CrlBench) {
  const files = createCrlFiles(bench.crls, [bench.authority]);
  return await files.current(bench.authority.name);
}

test('without need there is no other form', async (t) => {
  const bench = await openCrlBench(t);
  await revokeMany(bench, 2_000);
  await bench.build();
  const { compact, delta } = await current(bench);
  assert.deepEqual([compact, delta], [undefined, undefined]);
});

for (const keyType of ['ec-p256', 'rsa-2048', 'ed25519'] as const)
  test(`a CRL by ${keyType} that takes more than half of a Secret comes without reason codes too`, async (t) => {
    const bench = await openCrlBench(t, keyType);
    await revokeMany(bench, 8_000);
    await bench.build();
    const crl = await current(bench);
    assert.ok((await crl.pem()).length > 512 * 1024);
    const { der, pem } = crl.compact ?? assert.fail('there is no compact form');
    const compact = await readSigned(bench.authority, der);
    const full = await readSigned(bench.authority, crl.der);
    assert.equal(compact.crlNumber, full.crlNumber);
    assert.deepEqual([compact.thisUpdate, compact.nextUpdate], [full.thisUpdate, full.nextUpdate]);
    const bare = [...full.entries()].map(({ serial, revocationDate }) => ({ serial, revocationDate }));
    assert.deepEqual([...compact.entries()], bare);
    assert.ok(der.length < crl.der.length * 0.75);
    assert.equal((await pem()).toString(), encodePem('X509 CRL', der));
  });

test('a compact form that would not fit either is not made', async (t) => {
  const bench = await openCrlBench(t);
  await revokeMany(bench, 21_000);
  await bench.build();
  const fits = await current(bench);
  assert.ok((await (fits.compact ?? assert.fail()).pem()).length < 1024 * 1024);
  await bench.db.query({ text: 'delete from revocations' });
  await bench.db.query({ text: 'delete from crls' });
  await revokeMany(bench, 23_000);
  bench.clock.advance(60);
  await bench.build();
  assert.equal((await current(bench)).compact, undefined);
});

test('a delta tells what has changed since the oldest CRL that is still valid', async (t) => {
  const bench = await openCrlBench(t);
  const build = () => bench.build({ delta: true, freshestCrl });
  const listed = await bench.revoke(60 * day, 'certificateHold');
  const first = await build();
  const empty = await readSigned(bench.authority, (await current(bench)).delta?.der ?? assert.fail());
  assert.deepEqual(
    [empty.crlNumber, empty.deltaBase],
    [first?.number, first?.number],
    'there is none before it',
  );
  assert.deepEqual(serials(empty), []);
  assert.deepEqual((await bench.latest()).freshestCrl, [freshestCrl('internal-ca')]);

  bench.clock.advance(day);
  const second = await bench.revoke(60 * day);
  const middle = await build();
  await bench.release(listed);
  bench.clock.advance(day);
  const third = await bench.revoke(60 * day, 'superseded');
  const newest = await build();

  const { delta, number } = await current(bench);
  assert.equal(delta?.baseNumber, first?.number);
  assert.equal(number, newest?.number);
  const crl = await readSigned(bench.authority, delta?.der ?? assert.fail());
  assert.deepEqual([crl.crlNumber, crl.deltaBase, crl.freshestCrl], [number, first?.number, undefined]);
  assert.equal(crl.nextUpdate.getTime(), newest?.nextUpdate.getTime());
  assert.deepEqual(
    new Map([...crl.entries()].map(({ serial, reason }) => [serial, reason])),
    new Map([
      [second, undefined],
      [third, 'superseded'],
      [listed, 'removeFromCRL'],
    ]),
  );
  assert.deepEqual(serials(crl), [listed, second, third].sort());

  // The first has lapsed: nobody can have it any more.
  bench.clock.advance(5.5 * day);
  await build();
  const later = await readSigned(bench.authority, (await current(bench)).delta?.der ?? assert.fail());
  assert.equal(later.deltaBase, middle?.number);
  assert.deepEqual(serials(later), [listed, third].sort());
});

test('a hold that was taken back and put on again is revoked, with its last reason', async (t) => {
  const bench = await openCrlBench(t);
  const serial = await bench.revoke(60 * day, 'certificateHold');
  await bench.build({ delta: true });
  await bench.release(serial);
  bench.clock.advance(60);
  await bench.revokeAgain(serial, 'keyCompromise');
  await bench.build({ delta: true });
  const { delta } = await current(bench);
  const crl = await readSigned(bench.authority, delta?.der ?? assert.fail());
  assert.deepEqual(
    [...crl.entries()].map(({ serial: of, reason }) => [of, reason]),
    [[serial, 'keyCompromise']],
  );
});

test('a release alone makes a CRL due', async (t) => {
  const bench = await openCrlBench(t);
  const serial = await bench.revoke(60 * day, 'certificateHold');
  await bench.build();
  assert.equal(await bench.build(), undefined);
  await bench.release(serial);
  assert.notEqual(await bench.build(), undefined);
  assert.deepEqual(serials(await bench.latest()), []);
});

test('a delta that would have most of the complete CRL has nothing, and builds upon that very CRL', async (t) => {
  const bench = await openCrlBench(t);
  await bench.build({ delta: true });
  bench.clock.advance(60);
  await revokeMany(bench, 10_000);
  bench.see.change = (session) => ({
    ...session,
    async deltaBase(at) {
      const base = await session.deltaBase(at);
      if (base === undefined) return undefined;
      return { ...base, entries: () => assert.fail('it was sorted for nothing: a million take minutes') };
    },
  });
  await bench.build({ delta: true });
  const crl = await current(bench);
  assert.ok(crl.der.length > 400_000);
  assert.equal(crl.delta?.baseNumber, crl.number);
  assert.deepEqual(serials(await readSigned(bench.authority, crl.delta?.der ?? assert.fail())), []);
});

test('a delta of more entries than are fetched at once has each of them, in order', async (t) => {
  const bench = await openCrlBench(t);
  const listed = await bench.revoke(60 * day, 'certificateHold');
  await bench.build({ delta: true });
  bench.clock.advance(60);
  await revokeMany(bench, 4_500);
  await bench.release(listed);
  await bench.build({ delta: true });
  const { delta, der } = await current(bench);
  const crl = await readSigned(bench.authority, delta?.der ?? assert.fail());
  const complete = serials(await readSigned(bench.authority, der));
  assert.equal(complete.length, 4_500);
  assert.deepEqual(serials(crl), [...complete, listed].sort());
});

test('openssl takes the complete CRL with its FreshestCRL, and the delta with it', async (t) => {
  if (skipUnless(t, 'openssl')) return;
  const bench = await openCrlBench(t);
  bench.clock.set(Math.floor(Date.now() / 1000) * 1000 - 3_600_000);
  await bench.build({ delta: true, freshestCrl });
  const complete = await current(bench);
  bench.clock.advance(60);
  await bench.revoke(60 * day, 'superseded');
  await bench.build({ delta: true, freshestCrl });
  const { delta } = await current(bench);
  const files = {
    ca: encodePem('CERTIFICATE', bench.authority.certificate.der),
    complete: (await complete.pem()).toString(),
    delta: (await (delta ?? assert.fail()).pem()).toString(),
  };
  assert.match(
    openssl(['crl', '-in', 'complete', '-noout', '-text', '-CAfile', 'ca'], files),
    /Freshest CRL: \n\s+Full Name:\n\s+URI:http:\/\/ca\.example/,
  );
  const text = openssl(['crl', '-in', 'delta', '-noout', '-text', '-CAfile', 'ca'], files);
  assert.match(
    text,
    new RegExp(`Delta CRL Indicator: critical\\n\\s+(0x)?${hexOrDecimal(complete.number)}`, 'i'),
  );
});

function hexOrDecimal(number: bigint): string {
  return `(${number}|${number.toString(16)})`;
}

test('a CRL that was damaged in the database is not served: the one before stays', async (t) => {
  const bench = await openCrlBench(t);
  await bench.build();
  const files = createCrlFiles(bench.crls, [bench.authority]);
  const before = await files.current(bench.authority.name);
  bench.clock.advance(60);
  await bench.revoke(day);
  const next = await bench.build();
  const flip = { text: 'update crls set der = set_byte(der, 40, get_byte(der, 40) # 1) where number = $1' };
  await bench.db.query({ ...flip, values: [next?.number] });
  await assert.rejects(files.refresh(bench.authority.name), /is not what was stored/);
  assert.equal(await files.current(bench.authority.name), before);
  await bench.db.query({ ...flip, values: [next?.number] });
  assert.equal(await files.refresh(bench.authority.name), true);
});
