import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CertificateStore, createCertificateStore } from '../../src/store/certificates.ts';
import type { Database } from '../../src/store/database.ts';
import { createRevocationStore, type RevocationStore } from '../../src/store/revocations.ts';
import type { HoldRelease, ReasonUpdate } from '../../src/store/revocations-update.ts';
import { createTestDatabase, type TestScope } from '../support/database.ts';
import { certificateRecord, daysFrom, revocationRequest, start } from './records.ts';

interface Scene {
  readonly db: Database;
  readonly certificates: CertificateStore;
  readonly store: RevocationStore;
  /** On hold. */
  readonly serial: string;
  readonly spkiSha256: Buffer;
}

async function setScene(t: TestScope, inCrl = true): Promise<Scene> {
  const { db } = await createTestDatabase(t);
  const certificates = createCertificateStore(db);
  const store = createRevocationStore(db);
  const { serial, spkiSha256, ...rest } = certificateRecord();
  await certificates.insert({ ...rest, serial, spkiSha256 });
  await store.revoke(revocationRequest(serial, { reason: 'certificateHold', inCrl }));
  return { db, certificates, store, serial, spkiSha256 };
}

function update({ serial }: Scene, changes: Partial<ReasonUpdate> = {}): ReasonUpdate {
  return {
    ...{ serial, authority: 'internal-ca', from: ['certificateHold'], reason: 'keyCompromise' },
    ...{ revokedAt: daysFrom(start, 1), requester: 'token:u', entry: Buffer.from('updated') },
    ...changes,
  };
}

function release({ serial }: Scene, changes: Partial<HoldRelease> = {}): HoldRelease {
  const entry = Buffer.from('released');
  return {
    ...{ serial, authority: 'internal-ca', releasedAt: daysFrom(start, 2), requester: 'token:u', entry },
    ...changes,
  };
}

/** Where the head is, and at which position the revocation stands. */
async function positions({ db }: Scene): Promise<{ head: string; row: string | null }> {
  const [found] = await db.query<{ head: string; row: string | null }>({
    text: `select h.position as head, (
        select ch.position from revocations join revocation_changes ch using (change_id)) as row
      from revocation_head h`,
  });
  return found ?? { head: '', row: null };
}

test('another reason is a change of its own, of the date that stood before', async (t) => {
  const scene = await setScene(t);
  assert.deepEqual(await positions(scene), { head: '1', row: '1' });
  assert.equal(await scene.store.updateReason(update(scene)), true);
  assert.deepEqual(await positions(scene), { head: '2', row: '2' });
  const found = await scene.certificates.findBySerial(scene.serial);
  assert.deepEqual(found?.revocation, {
    revokedAt: daysFrom(start, 1),
    reason: 'keyCompromise',
    requester: 'token:u',
  });
  const [row] = await scene.db.query({ text: 'select entry, in_crl from revocations' });
  assert.deepEqual(row, { entry: Buffer.from('updated'), in_crl: true });
});

test('what is not as it was thought to be stays, and the head too', async (t) => {
  const scene = await setScene(t);
  for (const wrong of [
    { from: ['superseded'] as const },
    { from: [] },
    { revokedAt: daysFrom(start, 3) },
    { authority: 'other' },
    { serial: '00'.repeat(16) },
    { serial: 'nonsense' },
  ])
    assert.equal(await scene.store.updateReason(update(scene, wrong)), false, JSON.stringify(wrong));
  assert.deepEqual(await positions(scene), { head: '1', row: '1' });
  const found = await scene.certificates.findBySerial(scene.serial);
  assert.equal(found?.revocation?.reason, 'certificateHold');
});

test('the key is blocked with it, also when the reason stays as it is', async (t) => {
  const scene = await setScene(t);
  const blockSpki = { at: daysFrom(start, 2) };
  assert.equal(await scene.store.updateReason(update(scene, { authority: 'other', blockSpki })), false);
  const sameKey = { spkiSha256: scene.spkiSha256 };
  assert.equal(await scene.certificates.insert(certificateRecord(sameKey)), 'inserted');
  assert.equal(await scene.store.updateReason(update(scene, { from: [], blockSpki })), false);
  assert.equal(await scene.certificates.insert(certificateRecord(sameKey)), 'key-blocked');
  assert.equal(await scene.store.updateReason(update(scene, { blockSpki })), true);
});

test('what no CRL lists has no entry after it either', async (t) => {
  const scene = await setScene(t, false);
  assert.equal(await scene.store.updateReason(update(scene)), true);
  const [row] = await scene.db.query({ text: 'select entry, in_crl, reason from revocations' });
  assert.deepEqual(row, { entry: Buffer.alloc(0), in_crl: false, reason: 'keyCompromise' });
});

test('a hold that is released is gone, and what it was is kept', async (t) => {
  const scene = await setScene(t);
  assert.equal(await scene.store.releaseHold(release(scene)), true);
  assert.equal((await scene.certificates.findBySerial(scene.serial))?.revocation, undefined);
  assert.deepEqual(await positions(scene), { head: '2', row: null });
  const [row] = await scene.db.query({
    text: `select position, h.* from hold_releases h join revocation_changes using (change_id)`,
  });
  assert.deepEqual(row, {
    ...{ position: '2', change_id: row?.change_id, serial: Buffer.from(scene.serial, 'hex') },
    ...{ authority: 'internal-ca', entry: Buffer.from('released'), not_after: daysFrom(start, 90) },
    ...{ held_at: daysFrom(start, 1), held_by: 'token:r', released_at: daysFrom(start, 2) },
    requester: 'token:u',
  });
  assert.equal(await scene.store.releaseHold(release(scene)), false, 'once');
  const again = await scene.store.revoke(revocationRequest(scene.serial));
  assert.equal(again.created, true);
  assert.deepEqual(await positions(scene), { head: '3', row: '3' });
});

test('only a hold can be released', async (t) => {
  const scene = await setScene(t);
  for (const wrong of [{ authority: 'other' }, { serial: '00'.repeat(16) }, { serial: 'nonsense' }])
    assert.equal(await scene.store.releaseHold(release(scene, wrong)), false);
  await scene.store.updateReason(update(scene));
  assert.equal(await scene.store.releaseHold(release(scene)), false);
  assert.deepEqual(await positions(scene), { head: '2', row: '2' });
});

test('of a release and another reason at once exactly one happens', async (t) => {
  const scene = await setScene(t);
  for (let round = 0; round < 10; round++) {
    const done = await Promise.all([
      scene.store.releaseHold(release(scene)),
      scene.store.updateReason(update(scene)),
    ]);
    assert.equal(done.filter(Boolean).length, 1, String(done));
    await scene.db.query({ text: 'delete from revocations' });
    await scene.store.revoke(revocationRequest(scene.serial, { reason: 'certificateHold' }));
  }
});

test('what is released counts for the next CRL as what is revoked does', async (t) => {
  const scene = await setScene(t);
  const pending = () => scene.store.pending('internal-ca');
  assert.deepEqual(await pending(), { count: 1, compromised: false });
  await scene.store.updateReason(update(scene));
  assert.deepEqual(await pending(), { count: 1, compromised: true });
  await scene.db.query({
    text: `insert into crls (authority, number, this_update, next_update, entry_count, sha256, size_bytes, created_at, der,
        position) select 'internal-ca', 1, now(), now(), 1, sha256('x'), 1, now(), 'x', position from revocation_head`,
  });
  assert.deepEqual(await pending(), { count: 0, compromised: false });
  await scene.store.updateReason(update(scene, { from: ['keyCompromise'], reason: 'certificateHold' }));
  await scene.store.releaseHold(release(scene));
  assert.deepEqual(await pending(), { count: 1, compromised: false });
});
