import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  type Candidate,
  createCandidate,
  type Outcome,
  selfImposedPart,
} from '../../src/leadership/candidate.ts';
import type { LeaseVote } from '../../src/leadership/lease-lock.ts';
import type { Database } from '../../src/store/database.ts';
import { createLeadershipStore } from '../../src/store/leadership.ts';
import { createTestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';

/** Who may take a place, and when. Time is measured by a clock that the test moves. */

const leaseMs = 10_000;

interface Scene {
  readonly db: Database;
  /** In milliseconds. */
  elapsed: number;
  /** How the Lease answers; without it when undefined. */
  candidate(vote?: LeaseVote | Promise<LeaseVote>, onRelease?: () => void): Candidate;
}

async function setUp(t: TestContext): Promise<Scene> {
  const { db } = await createTestDatabase(t);
  const store = createLeadershipStore(db);
  const scene: Scene = {
    db,
    elapsed: 0,
    candidate: (vote, onRelease = () => undefined) =>
      createCandidate({
        identity: 'next',
        store,
        lease:
          vote === undefined
            ? undefined
            : { holder: undefined, tryHold: async () => vote, release: async () => onRelease() },
        leaseMs,
        alone: false,
        monotonic: () => scene.elapsed,
        onLeaseFailed: () => undefined,
        onLeaseAnswered: () => undefined,
      }),
  };
  return scene;
}

/** Another one leads, and has renewed so long ago by the clock of the database; in the future when negative. */
async function lead({ db }: Scene, secondsAgo: number): Promise<void> {
  await createLeadershipStore(db).claim('former', leaseMs, () => true);
  await renewed(db, secondsAgo);
}

async function renewed(db: Database, secondsAgo: number): Promise<void> {
  await db.query({
    text: 'update leadership_renewals set renewed_at = clock_timestamp() - make_interval(secs => $1)',
    values: [secondsAgo],
  });
}

function settleOf(outcome: Outcome): number {
  assert.equal(outcome.kind, 'granted');
  return outcome.kind === 'granted' ? outcome.settleMs : Number.NaN;
}

test('a leader that is not heard of for the time of its lease is replaced, and the next one works at once', async (t) => {
  const scene = await setUp(t);
  await lead(scene, 3_600);
  const next = scene.candidate();
  // What the database's clock says of the last renewal proves nothing: it is watched.
  assert.equal((await next.seek(undefined, false)).kind, 'denied');
  scene.elapsed = leaseMs - 1;
  assert.equal((await next.seek(undefined, false)).kind, 'denied');
  await renewed(scene.db, 3_500);
  scene.elapsed = leaseMs;
  assert.equal((await next.seek(undefined, false)).kind, 'denied', 'it has renewed');
  scene.elapsed = 2 * leaseMs - 1;
  assert.equal((await next.seek(undefined, false)).kind, 'denied');
  scene.elapsed = 2 * leaseMs;
  assert.equal(settleOf(await next.seek(undefined, false)), 0);
});

test('who holds the Lease takes the place at once, and lets a leader that still renews find out', async (t) => {
  const scene = await setUp(t);
  // Whatever the time that a test takes: renewed just now, and long ago.
  for (const [secondsAgo, settleMs] of [
    [-3_600, leaseMs * selfImposedPart],
    [3_600, 0],
  ] as const) {
    await lead(scene, secondsAgo);
    assert.equal(settleOf(await scene.candidate('held').seek(undefined, false)), settleMs);
  }
});

test('a place that was given up is taken at once, by who gave it up only when nobody else does', async (t) => {
  const scene = await setUp(t);
  const store = createLeadershipStore(scene.db);
  await lead(scene, 0);
  await store.release('former');
  const reluctant = scene.candidate();
  for (scene.elapsed of [0, leaseMs - 1])
    assert.equal((await reluctant.seek(undefined, true)).kind, 'denied');
  scene.elapsed = leaseMs;
  assert.equal(settleOf(await reluctant.seek(undefined, true)), 0);
  await store.release('next');
  assert.equal(settleOf(await scene.candidate().seek(undefined, false)), 0);
});

test('whose Lease is another one’s takes nothing, and leads no more', async (t) => {
  const scene = await setUp(t);
  const held = await scene.candidate('held').seek(undefined, false);
  assert.equal(held.kind, 'granted');
  const { epoch } = held.kind === 'granted' ? held : assert.fail();
  assert.equal((await scene.candidate('other').seek(epoch, false)).kind, 'denied');
  await createLeadershipStore(scene.db).release('next');
  assert.equal((await scene.candidate('other').seek(undefined, false)).kind, 'denied');
});

test('an API server that does not answer leaves it to the database, and is let go of only when it has', {
  timeout: 60_000,
}, async (t) => {
  const scene = await setUp(t);
  const late = Promise.withResolvers<LeaseVote>();
  t.after(() => late.resolve('other'));
  const done: string[] = [];
  const candidate = scene.candidate(
    late.promise.finally(() => done.push('answered')),
    () => done.push('let go of'),
  );
  assert.equal((await candidate.seek(undefined, false)).kind, 'granted');
  assert.equal(candidate.electedBy, 'database');
  const released = candidate.release();
  await eventually(async () =>
    assert.equal((await createLeadershipStore(scene.db).read())?.holder, undefined),
  );
  assert.deepEqual(done, []);
  late.resolve('held');
  await released;
  assert.deepEqual(done, ['answered', 'let go of']);
});
