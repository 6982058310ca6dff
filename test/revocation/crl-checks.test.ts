import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { generatePrivateKey } from '../../src/keys/private-key.ts';
import { createSoftwareSigner } from '../../src/keys/signer.ts';
import { type BuildCrlParts, buildCrl } from '../../src/revocation/build-crl.ts';
import { checkCompact, checkHead } from '../../src/revocation/check-crl.ts';
import type { CrlCheck } from '../../src/revocation/crl-check-failed.ts';
import { revokedEntry } from '../../src/revocation/revocation-facts.ts';
import type { CrlBuildSession } from '../../src/store/crls.ts';
import type { RevocationReason } from '../../src/x509/revocation-reason.ts';
import { beginTerm } from '../support/leadership.ts';
import { type CrlBench, day, openCrlBench, serials } from './crl-bench.ts';

/** What is wrong with a CRL is found before it is published: the last good one stays, and the next build is whole. */

async function withOneListed(t: TestContext): Promise<CrlBench & { readonly listed: string }> {
  const bench = await openCrlBench(t);
  const listed = await bench.revoke(30 * day);
  await bench.build();
  bench.clock.advance(60);
  return { ...bench, listed };
}

/** Nothing was published, nothing recorded, and when the fault has gone everything is listed. */
async function refuses(bench: CrlBench, check: CrlCheck, message: RegExp): Promise<void> {
  const before = await bench.latest();
  const added = await bench.revoke(30 * day);
  await assert.rejects(bench.build(), { name: 'CrlCheckFailed', check, message });
  assert.equal((await bench.latest()).crlNumber, before.crlNumber);
  bench.see.change = (session) => session;
  await bench.build();
  const expected = [...serials(before), added].sort();
  assert.deepEqual(serials(await bench.latest()), expected);
}

const entriesOf =
  (change: (entries: Buffer[]) => Buffer[]) =>
  (session: CrlBuildSession): CrlBuildSession => ({
    ...session,
    async *entries() {
      const chunks: Buffer[] = [];
      for await (const chunk of session.entries()) chunks.push(chunk);
      yield* change(chunks);
    },
  });

test('a list that the index has lost entries of', async (t) => {
  const bench = await withOneListed(t);
  // Of two entries of the same length, one.
  bench.see.change = entriesOf(([page = Buffer.alloc(0)]) => [page.subarray(0, page.length / 2)]);
  await refuses(bench, 'missing', /missing, as 01|The CRL has 1 entries/);
});

test('a list with an entry twice', async (t) => {
  const bench = await withOneListed(t);
  bench.see.change = entriesOf((pages) => [...pages, ...pages]);
  await refuses(bench, 'entries', /After 01.* comes 01/);
});

test('an index that has lost a row which no CRL had yet', async (t) => {
  const bench = await withOneListed(t);
  bench.see.change = (session) => ({
    ...session,
    tally: async () => {
      const { count, octets } = await session.tally();
      return { count: count + 1, octets: octets + 38 };
    },
  });
  await refuses(bench, 'missing', /The CRL has 2 entries of \d+ octets; the table has 3/);
});

test('a row that somebody deleted, although its certificate is still valid', async (t) => {
  const bench = await withOneListed(t);
  const gone = {
    text: 'delete from revocations where serial = $1',
    values: [Buffer.from(bench.listed, 'hex')],
  };
  await bench.db.query(gone);
  await bench.revoke(day);
  await assert.rejects(bench.build(), {
    check: 'missing',
    message: new RegExp(`1 entries .* as ${bench.listed}`),
  });
  assert.deepEqual(serials(await bench.latest()), [bench.listed]);
});

test('a row that was marked as expired before its time', async (t) => {
  const bench = await withOneListed(t);
  await bench.db.query({ text: 'update revocations set in_crl = false' });
  await bench.revoke(day);
  await assert.rejects(bench.build(), { check: 'missing' });
});

test('a clock that has gone wrong, ahead or behind', async (t) => {
  const bench = await withOneListed(t);
  for (const seconds of [301, -301, 365 * day]) {
    bench.see.change = (session) => ({
      ...session,
      databaseNow: async () => new Date(bench.clock.now() + seconds * 1000),
    });
    await refuses(bench, 'clock', /are 3\d+ s apart, more than 300 s/);
  }
  bench.see.change = (session) => ({
    ...session,
    databaseNow: async () => new Date(bench.clock.now() + 300_000),
  });
  await bench.revoke(day);
  assert.notEqual(await bench.build(), undefined);
});

test('a number that does not rise', async (t) => {
  const bench = await withOneListed(t);
  bench.see.change = (session) => ({ ...session, number: session.previous?.number ?? 0n });
  await refuses(bench, 'number', /is not above/);
});

test('times that do not hold now', () => {
  const number = 7n;
  const at = (seconds: number) => new Date(seconds * 1000);
  const head = (from: number, to: number) => ({ number, thisUpdate: at(from), nextUpdate: at(to) });
  const now = 1_000_000;
  for (const wrong of [head(1_001, 2_000), head(0, 1_000), head(0, 999)])
    assert.throws(() => checkHead(wrong, undefined, now), { name: 'CrlCheckFailed', check: 'times' });
  checkHead(head(1_000, 1_001), { number: 6n }, now);
});

test('a form without reason codes that does not list the same', async () => {
  const list = (texts: readonly string[], reason: RevocationReason) =>
    texts.map((text) => revokedEntry(text, new Date('2026-11-23T12:00:00Z'), reason));
  const complete = list(['01', '02', '03'], 'superseded');
  const compact = (...texts: string[]) => list(texts, 'unspecified');
  await checkCompact(complete, 3, compact('01', '02', '03'));
  for (const [check, ...texts] of [
    ['missing', '01', '02'],
    ['missing', '02', '03'],
    ['missing', '01', '03', '04'],
    ['entries', '01', '02', '03', '04'],
    ['entries', '01', '03', '02'],
    ['entries', '01', '02', '02', '03'],
  ] as const)
    await assert.rejects(checkCompact(complete, 3, compact(...texts)), { name: 'CrlCheckFailed', check });
});

test('a delta that lacks a change goes out with no CRL, and the complete one does not wait for it', async (t) => {
  const bench = await withOneListed(t);
  const since = [await bench.revoke(30 * day), await bench.revoke(30 * day)];
  const refused: [string, CrlCheck][] = [];
  const delta: Partial<BuildCrlParts> = {
    delta: true,
    onDeltaRefused: (authority, { check }) => refused.push([authority, check]),
  };
  // What an index that has lost one of them gives, and what one gives that has one twice.
  for (const [check, wrong] of [
    ['missing', (two: Buffer) => [two.subarray(0, two.length / 2)]],
    ['entries', (two: Buffer) => [two, two]],
  ] as const) {
    bench.see.change = (session) => ({
      ...session,
      async deltaBase(at) {
        const base = await session.deltaBase(at);
        assert.ok(base);
        return {
          ...base,
          async *entries() {
            for await (const chunk of base.entries()) yield* wrong(chunk);
          },
        };
      },
    });
    const built = await bench.build(delta);
    assert.ok(built !== undefined && built.delta === undefined);
    assert.deepEqual(refused.splice(0), [['internal-ca', check]]);
    assert.deepEqual(serials(await bench.latest()), [bench.listed, ...since].sort());
    // Makes another CRL due, without another entry.
    await bench.db.query({ text: 'delete from crls where number = $1', values: [built.number] });
    await bench.db.query({ text: 'delete from crl_history where number = $1', values: [built.number] });
  }
  bench.see.change = (session) => session;
  const whole = await bench.build(delta);
  assert.notEqual(whole?.delta, undefined);
  assert.deepEqual(refused, []);
});

test('a key that is not that of the CA certificate', async (t) => {
  const bench = await withOneListed(t);
  const signer = createSoftwareSigner(await generatePrivateKey('ec-p256'));
  const term = await beginTerm(bench.db);
  await bench.revoke(day);
  const times = { validitySeconds: day, overlapSeconds: 60, backdateSeconds: 0, clockToleranceSeconds: 60 };
  await assert.rejects(buildCrl({ ...bench, times, delta: false }, { ...bench.authority, signer }, term), {
    check: 'signature',
  });
});

test('a CRL before that is damaged hinders nothing, and is told of', async (t) => {
  const bench = await withOneListed(t);
  await bench.db.query({ text: `update crls set der = set_byte(der, 40, get_byte(der, 40) # 255)` });
  await bench.revoke(day);
  const damaged: bigint[] = [];
  assert.notEqual(await bench.build({ onUnreadable: ({ number }) => damaged.push(number) }), undefined);
  assert.equal(damaged.length, 1);
  assert.equal(serials(await bench.latest()).length, 2);
});

test('what expired, and what was released, may go', async (t) => {
  const bench = await openCrlBench(t);
  await bench.revoke(day);
  const held = await bench.revoke(30 * day, 'certificateHold');
  const stays = await bench.revoke(30 * day);
  await bench.build();
  bench.clock.advance(2 * day);
  await bench.revoke(day);
  await bench.build();
  assert.equal(serials(await bench.latest()).length, 4);
  await bench.release(held);
  bench.clock.advance(60);
  await bench.build();
  const left = serials(await bench.latest());
  assert.equal(left.length, 2);
  assert.ok(left.includes(stays) && !left.includes(held));
});
