import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../../src/fault.ts';
import { revocationReasons } from '../../src/x509/revocation-reason.ts';
import { certIdOf, ocspRequestOf, readOcspResponse } from '../x509/build-ocsp.ts';
import { ocspBench } from './harness.ts';

const hour = 3_600_000;
const invented = '7fffffffffffffffffffffffffffffff';

test('good is only what is recorded, whatever the hash; anything else of ours is unknown', async (t) => {
  const bench = await ocspBench(t);
  const serial = await bench.issue();
  for (const hash of ['sha1', 'sha256', 'sha384', 'sha512'] as const) {
    const { code, responses } = await bench.ask([serial], { hash });
    assert.equal(code, 0);
    assert.equal(responses[0]?.status, 'good');
    // RFC 6960 4.2.2.3 and 4.1.2: clients look for the CertID that they sent.
    assert.deepEqual(responses[0]?.certId, certIdOf(bench.authority.certificate, serial, { hash }));
  }
  assert.equal((await bench.ask([invented])).responses[0]?.status, 'unknown');
  const ofOther = await bench.issue(undefined, 'other');
  assert.equal((await bench.ask([ofOther])).responses[0]?.status, 'unknown');
  const negative = await bench.ask([''], { serial: Buffer.from('0201ff', 'hex') });
  assert.equal(negative.responses[0]?.status, 'unknown');
});

test('what was issued just now is good at once, also when it was asked for before', async (t) => {
  const bench = await ocspBench(t);
  const serial = await bench.issue();
  await bench.ask([invented]);
  assert.equal((await bench.ask([serial])).responses[0]?.status, 'good');
});

test('revoked comes with its time and each reason, and without one for unspecified', async (t) => {
  const bench = await ocspBench(t);
  const revokedAt = new Date(bench.clock.now() - hour);
  for (const reason of revocationReasons) {
    const serial = await bench.issue();
    bench.index.revoked.set(`internal-ca/${serial}`, { reason, revokedAt });
    const { responses } = await bench.ask([serial]);
    assert.equal(responses[0]?.status, 'revoked');
    assert.deepEqual(responses[0]?.revokedAt, revokedAt);
    assert.equal(responses[0]?.reason, reason === 'unspecified' ? undefined : reason);
  }
});

test('revoked wins without a record: of what was imported there may be none', async (t) => {
  const bench = await ocspBench(t);
  const revokedAt = new Date(bench.clock.now());
  bench.index.revoked.set(`internal-ca/${invented}`, { reason: 'superseded', revokedAt });
  assert.equal((await bench.ask([invented])).responses[0]?.status, 'revoked');
  assert.equal(bench.counts.queries, 0);
});

test('an answer that was made before ends with the revocation, and the next with its release', async (t) => {
  const bench = await ocspBench(t);
  const serial = await bench.issue();
  assert.equal((await bench.ask([serial])).responses[0]?.status, 'good');
  const revokedAt = new Date(bench.clock.now());
  bench.index.revoked.set(`internal-ca/${serial}`, { reason: 'certificateHold', revokedAt });
  assert.equal((await bench.ask([serial])).responses[0]?.reason, 'certificateHold');
  bench.index.revoked.set(`internal-ca/${serial}`, { reason: 'keyCompromise', revokedAt });
  assert.equal((await bench.ask([serial])).responses[0]?.reason, 'keyCompromise');
  bench.index.revoked.clear();
  assert.equal((await bench.ask([serial])).responses[0]?.status, 'good');
});

test('a revocation that arrives while the database is asked is in the answer', async (t) => {
  const bench = await ocspBench(t);
  const serial = await bench.issue();
  const revokedAt = new Date(bench.clock.now());
  bench.queryWith = async () => {
    bench.index.revoked.set(`internal-ca/${serial}`, { reason: 'superseded', revokedAt });
  };
  assert.equal((await bench.ask([serial])).responses[0]?.status, 'revoked');
});

test('a certificate that is revoked while its answer is being signed is revoked in what is given out', async (t) => {
  const bench = await ocspBench(t);
  const serial = await bench.issue();
  const signer = bench.responders.of('internal-ca')?.signer;
  assert.ok(signer);
  const { sign } = signer;
  t.mock.method(signer, 'sign', async (data: Uint8Array) => {
    const revokedAt = new Date(bench.clock.now());
    bench.index.revoked.set(`internal-ca/${serial}`, { reason: 'superseded', revokedAt });
    return await sign(data);
  });
  assert.equal((await bench.ask([serial])).responses[0]?.status, 'revoked');
  assert.equal(bench.counts.signed, 2);
});

test('of a certificate that has expired nothing is said: its revocation is forgotten', async (t) => {
  const bench = await ocspBench(t);
  const serial = await bench.issue(600);
  assert.equal((await bench.ask([serial])).responses[0]?.status, 'good');
  bench.clock.advance(3_600);
  assert.equal((await bench.ask([serial])).responses[0]?.status, 'unknown');
});

test('who asks without a nonce gets the same answer as everybody; one signature, one query', async (t) => {
  const bench = await ocspBench(t);
  const serial = await bench.issue();
  const request = ocspRequestOf([certIdOf(bench.authority.certificate, serial)]);
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => bench.service.respond('internal-ca', request)),
  );
  const later = await bench.service.respond('internal-ca', request);
  for (const { der, common } of answers) {
    assert.deepEqual(der, later.der);
    assert.equal(common?.sha256, later.common?.sha256);
  }
  assert.deepEqual([bench.counts.signed, bench.counts.queries], [1, 1]);
  assert.equal(bench.outcomes.length, 51);
});

test('an answer is renewed behind the back of whoever asks after half of its time, and never given out after its end', async (t) => {
  const bench = await ocspBench(t, { validitySeconds: 3_600 });
  const serial = await bench.issue();
  const first = await bench.ask([serial]);
  bench.clock.advance(1_799);
  assert.deepEqual((await bench.ask([serial])).producedAt, first.producedAt);
  assert.equal(bench.counts.signed, 1);
  bench.clock.advance(1);
  assert.deepEqual((await bench.ask([serial])).producedAt, first.producedAt);
  await new Promise((resolve) => setImmediate(resolve));
  const renewed = await bench.ask([serial]);
  assert.equal(renewed.producedAt?.getTime(), bench.clock.now());
  assert.equal(bench.counts.signed, 2);
  bench.clock.advance(3_600);
  assert.equal((await bench.ask([serial])).producedAt?.getTime(), bench.clock.now());
});

test('a nonce comes back, in an answer of its own; switched off, it is ignored', async (t) => {
  const bench = await ocspBench(t);
  const serial = await bench.issue();
  for (const length of [1, 32, 128]) {
    const nonce = Buffer.alloc(length, length);
    const { responses, nonce: repeated } = await bench.ask([serial], { nonce });
    assert.equal(responses[0]?.status, 'good');
    assert.deepEqual(repeated, nonce);
  }
  assert.equal(bench.counts.signed, 3);
  const certId = certIdOf(bench.authority.certificate, serial);
  const withNonce = ocspRequestOf([certId], { nonce: Buffer.alloc(32) });
  assert.equal((await bench.service.respond('internal-ca', withNonce)).common, undefined);
  const without = await ocspBench(t, { nonce: false });
  const answer = await without.ask([await without.issue()], { nonce: Buffer.alloc(32) });
  assert.equal(answer.nonce, undefined);
});

test('several at once have one signature; what others issued is unknown among them', async (t) => {
  const bench = await ocspBench(t);
  const [good, bad] = [await bench.issue(), await bench.issue()];
  bench.index.revoked.set(`internal-ca/${bad}`, {
    reason: 'superseded',
    revokedAt: new Date(bench.clock.now()),
  });
  const certIds = [
    certIdOf(bench.authority.certificate, good),
    certIdOf(bench.authority.certificate, bad, { hash: 'sha256' }),
    certIdOf(bench.authority.certificate, invented),
    certIdOf(bench.other.certificate, good),
  ];
  const { der, common } = await bench.service.respond('internal-ca', ocspRequestOf(certIds));
  const { responses } = readOcspResponse(der);
  assert.deepEqual(
    responses.map(({ status }) => status),
    ['good', 'revoked', 'unknown', 'unknown'],
  );
  assert.deepEqual(
    responses.map(({ certId }) => certId),
    certIds,
  );
  assert.equal(common, undefined);
  assert.deepEqual(bench.outcomes, ['good', 'revoked', 'unknown', 'unknown']);
});

test('exact errors: malformedRequest, unauthorized for what others issued, and no such authority', async (t) => {
  const bench = await ocspBench(t);
  const respond = async (body: Buffer) =>
    readOcspResponse((await bench.service.respond('internal-ca', body)).der).code;
  assert.equal(await respond(Buffer.alloc(0)), 1);
  assert.equal(await respond(Buffer.from('not a request')), 1);
  assert.equal(await respond(ocspRequestOf([certIdOf(bench.other.certificate, invented)])), 6);
  assert.deepEqual(bench.outcomes, ['malformedRequest', 'malformedRequest', 'unauthorized']);
  assert.equal(bench.counts.signed, 0);
  await assert.rejects(
    bench.service.respond('nobody', Buffer.alloc(0)),
    (error) => error instanceof Fault && error.code === 'authority-not-found',
  );
});

test('the times: thisUpdate is when it was known, back-dated; nextUpdate the validity from now', async (t) => {
  const bench = await ocspBench(t, { validitySeconds: 7_200, backdateSeconds: 300 });
  const serial = await bench.issue();
  const now = bench.clock.now();
  bench.index.age = 10_500;
  const [good] = (await bench.ask([serial])).responses;
  assert.equal(good?.thisUpdate.getTime(), now - 311_000);
  assert.equal(good?.nextUpdate.getTime(), now + 7_200_000);
  // Not before the revocation that it tells of.
  bench.index.revoked.set(`internal-ca/${serial}`, {
    reason: 'superseded',
    revokedAt: new Date(now - 60_000),
  });
  assert.equal((await bench.ask([serial])).responses[0]?.thisUpdate.getTime(), now - 60_000);
});

test('while the database is away: what is known is answered, what is not gets tryLater, and it all comes back', async (t) => {
  const bench = await ocspBench(t, { maxStalenessSeconds: 600 });
  const [known, new_, revoked] = [await bench.issue(), await bench.issue(), await bench.issue()];
  bench.index.revoked.set(`internal-ca/${revoked}`, {
    reason: 'superseded',
    revokedAt: new Date(bench.clock.now()),
  });
  await bench.ask([known]);
  bench.queryWith = () => Promise.reject(new Fault('database-unavailable', 'away'));
  bench.index.age = 599_000;
  bench.clock.advance(7_200);
  assert.equal((await bench.ask([known])).responses[0]?.status, 'good');
  assert.equal((await bench.ask([revoked])).responses[0]?.status, 'revoked');
  assert.equal((await bench.ask([new_])).code, 3);
  assert.equal(bench.outcomes.at(-1), 'tryLater');
  // Made while it could be, and true until its end.
  bench.index.age = 601_000;
  assert.equal((await bench.ask([known])).responses[0]?.status, 'good');
  assert.equal((await bench.ask([known], { nonce: Buffer.alloc(32) })).code, 3);
  bench.clock.advance(7_200);
  assert.equal((await bench.ask([known])).code, 3);
  assert.deepEqual(bench.failures, []);
  bench.index.age = 0;
  bench.queryWith = undefined;
  assert.equal((await bench.ask([new_])).responses[0]?.status, 'good');
});

test('what nobody foresaw is internalError to the client, and told', async (t) => {
  const bench = await ocspBench(t);
  bench.queryWith = () => Promise.reject(new Error('a bug'));
  assert.equal((await bench.ask([invented])).code, 2);
  assert.equal(bench.failures.length, 1);
});

test('strangers with invented serials have one query at a time between them, and some are sent away', async (t) => {
  const bench = await ocspBench(t);
  const gate = Promise.withResolvers<void>();
  bench.queryWith = () => gate.promise;
  const serials = Array.from({ length: 6_000 }, (_, n) => (0x10_0000 + n).toString(16));
  const asked = serials.map((serial) =>
    bench.service.respond('internal-ca', ocspRequestOf([certIdOf(bench.authority.certificate, serial)])),
  );
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(bench.counts.queries, 1);
  gate.resolve();
  const codes = (await Promise.all(asked)).map(({ der }) => readOcspResponse(der).code);
  assert.ok(codes.includes(3) && codes.includes(0));
  assert.ok(bench.counts.queries <= 12, String(bench.counts.queries));
});
