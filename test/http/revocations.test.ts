import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { ownSerial, serial } from './fake-parts.ts';
import { assertProblem, testApp } from './support.ts';

const revocations = '/v1/revocations';

test('a bulk revocation passes every criterion on, and answers the counts', async (t) => {
  const { call, parts } = await testApp(t);
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const spkiSha256 = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest();
  const filter = {
    authority: 'internal-ca',
    requester: 'token:x',
    profile: 'client',
    subject: 'CN=alice',
    issuedAfter: '2026-11-01T01:00:00+01:00',
    issuedBefore: '2026-11-02T00:00:00Z',
    publicKey: pem,
  };
  const payload = { filter, reason: 'superseded', dryRun: true, expectedCount: 3 };
  const answer = await call('revoker', 'POST', revocations, { payload });
  assert.deepEqual(answer.json(), {
    ...{ dryRun: true, reason: 'superseded', matched: 3, alreadyRevoked: 1, revoked: 2 },
    serials: [serial],
  });
  const { publicKey: _publicKey, ...others } = filter;
  assert.deepEqual(parts.asked.revokedMatching, [
    {
      filter: {
        ...others,
        issuedAfter: new Date('2026-11-01T00:00:00Z'),
        issuedBefore: new Date('2026-11-02T00:00:00Z'),
        spkiSha256,
      },
      all: false,
      reason: 'superseded',
      dryRun: true,
      expectedCount: 3,
      requester: 'token:revoker',
    },
  ]);
  const byHash = { filter: { publicKey: spkiSha256.toString('hex').toUpperCase() }, reason: 'unspecified' };
  assert.equal((await call('revoker', 'POST', revocations, { payload: byHash })).statusCode, 200);
  assert.deepEqual(parts.asked.revokedMatching[1]?.filter, { spkiSha256 });
  assert.deepEqual(
    [parts.asked.revokedMatching[1]?.dryRun, parts.asked.revokedMatching[1]?.all],
    [false, false],
  );
});

test('a bulk revocation that says too little, or anything wrong, is refused by name', async (t) => {
  const { call, parts } = await testApp(t);
  const good = { filter: { profile: 'client' }, reason: 'superseded' };
  const bad: [object, string][] = [
    [{ reason: 'superseded' }, '/filter'],
    [{ filter: { profile: 'client' } }, '/reason'],
    [{ ...good, reason: 'removeFromCRL' }, '/reason'],
    [{ ...good, dryrun: true }, '/dryrun'],
    [{ ...good, dryRun: 'true' }, '/dryRun'],
    [{ ...good, expectedCount: -1 }, '/expectedCount'],
    [{ ...good, expectedCount: '3' }, '/expectedCount'],
    [{ ...good, filter: { profil: 'client' } }, '/filter/profil'],
    [{ ...good, filter: { all: false } }, '/filter/all'],
    [{ ...good, filter: { issuedAfter: 'yesterday' } }, '/filter/issuedAfter'],
    [{ ...good, filter: { requester: 'a\u0000b' } }, '/filter/requester'],
    [{ ...good, filter: { publicKey: 'abcd' } }, '/filter/publicKey'],
    [
      { ...good, filter: { publicKey: '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n' } },
      '/filter/publicKey',
    ],
    [{ ...good, filter: { publicKey: '-----BEGIN PUBLIC KEY-----\nAAAA' } }, '/filter/publicKey'],
  ];
  for (const [payload, field] of bad) {
    const answer = await call('revoker', 'POST', revocations, { payload });
    assertProblem(answer, 'request-invalid', { field });
  }
  assertProblem(await call('revoker', 'POST', revocations), 'request-invalid');
  assert.equal(parts.asked.revokedMatching.length, 0);
});

test('a release needs no body', async (t) => {
  const { call, parts } = await testApp(t);
  const answer = await call('revoker', 'POST', `/v1/certificates/${serial.toUpperCase()}/release`);
  assert.deepEqual(answer.json(), { serial, releasedAt: '2026-11-23T12:00:00Z' });
  assert.deepEqual(parts.asked.released, [{ serial, requester: 'token:revoker' }]);
});

test('a proof of possession needs no token, and its siblings are shown', async (t) => {
  const { call, parts } = await testApp(t);
  const url = `/v1/certificates/${serial}/revoke-by-key`;
  const answer = await call(undefined, 'POST', url, {
    payload: { reason: 'keyCompromise', signature: 'AAECAw==' },
  });
  assert.deepEqual(answer.json(), {
    ...{ serial, reason: 'keyCompromise', revokedAt: '2026-11-23T12:00:00Z' },
    siblings: { count: 1, serials: [ownSerial] },
  });
  await call(undefined, 'POST', url, { payload: { signature: 'AAECAw==' } });
  const signature = Buffer.from([0, 1, 2, 3]);
  assert.deepEqual(parts.asked.proven, [
    { serial, reason: 'keyCompromise', signature },
    { serial, reason: 'unspecified', signature },
  ]);
});

test('a proof is refused for reasons that are not the holder of a key to give, and in any other form', async (t) => {
  const { call, parts } = await testApp(t);
  const url = `/v1/certificates/${serial}/revoke-by-key`;
  for (const reason of ['certificateHold', 'cACompromise', 'aACompromise', 'removeFromCRL']) {
    const payload = { reason, signature: 'AAECAw==' };
    assertProblem(await call(undefined, 'POST', url, { payload }), 'request-invalid', { field: '/reason' });
  }
  for (const signature of ['', 'AAE', 'AAEC Aw==', 'AAECAw=', '____', 'A'.repeat(2_052), 7, null]) {
    const answer = await call(undefined, 'POST', url, { payload: { signature } });
    assertProblem(answer, 'request-invalid', { field: '/signature' });
  }
  const large = { payload: { signature: 'A'.repeat(5_000) } };
  assertProblem(await call(undefined, 'POST', url, large), 'body-too-large');
  assert.equal(parts.asked.proven.length, 0);
});
