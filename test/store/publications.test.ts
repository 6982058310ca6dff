import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createPublicationStore, type PublishedCopy } from '../../src/store/publications.ts';
import { createTestDatabase } from '../support/database.ts';

const current: PublishedCopy = {
  target: 'secret:shop/internal-ca',
  state: 'Current',
  why: ['own', 'enforced'],
  // Beyond 2^63: RFC 5280 allows twenty octets.
  crlNumber: '730750818665451459101842416358141509827966271487',
  crlForm: 'compact',
  caFingerprints: ['ab', 'cd'],
  writtenAt: new Date('2026-11-23T10:00:00.123Z'),
  sizeBytes: 10,
  limitBytes: 1048576,
};
const failed: PublishedCopy = {
  target: 'configmap:a/internal-ca',
  state: 'Failed',
  why: ['selector'],
  caFingerprints: [],
  error: 'He said "no" {}, \\ and \u{1f512}',
};
const waiting: PublishedCopy = {
  target: 'secret:b/internal-ca',
  state: 'Waiting',
  why: [],
  caFingerprints: [],
  waitingFor: 'There is no namespace b',
};

describe('the state of the copies in the database', () => {
  it('comes back as it was put, in order, and is replaced', async (t) => {
    const store = createPublicationStore((await createTestDatabase(t)).db);
    assert.deepEqual(await store.list(), []);
    await store.save({ put: [current, failed, waiting], forget: [] }, 1n);
    assert.deepEqual(await store.list(), [failed, waiting, current]);
    const { error: _error, ...healed } = { ...failed, state: 'Current' as const };
    await store.save({ put: [healed], forget: [waiting.target, 'secret:no-such/x'] }, 1n);
    assert.deepEqual(await store.list(), [healed, current]);
  });

  it('holds whatever an API server answers, a NUL included', async (t) => {
    const store = createPublicationStore((await createTestDatabase(t)).db);
    await store.save({ put: [{ ...failed, error: 'a\0b' }], forget: [] }, 1n);
    assert.equal((await store.list())[0]?.error, 'ab');
  });

  it('passes over what comes late from an earlier term', async (t) => {
    const store = createPublicationStore((await createTestDatabase(t)).db);
    await store.save({ put: [current], forget: [] }, 5n);
    await store.save({ put: [{ ...current, state: 'Failed', error: 'late' }, failed], forget: [] }, 4n);
    assert.deepEqual(await store.list(), [failed, current]);
    await store.save({ put: [], forget: [current.target, failed.target] }, 4n);
    await store.retain([], 4n);
    assert.deepEqual(await store.list(), [current]);
    await store.retain([failed.target], 5n);
    assert.deepEqual(await store.list(), []);
  });
});
