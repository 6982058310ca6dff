import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Candidate, Outcome } from '../../src/leadership/candidate.ts';
import { createLeadership, type RunningLeadership } from '../../src/leadership/create-leadership.ts';
import { eventually } from '../support/eventually.ts';

/** What becomes of a candidate's answers. Time is measured by a clock that the test moves. */

const leaseMs = 30_000;

interface Scene {
  readonly leadership: RunningLeadership;
  /** Each time that the candidate was asked: whether it was to let others go first. */
  readonly asked: boolean[];
  /** What happened to the candidate's place, in order. */
  readonly done: string[];
  /** The time, in milliseconds. */
  elapsed: number;
  answer: () => Outcome | Promise<Outcome>;
  /** One more look. */
  look(): Promise<void>;
}

function setUp(t: TestContext): Scene {
  const candidate: Candidate = {
    async seek(_epoch, reluctant) {
      scene.asked.push(reluctant);
      const outcome = await scene.answer();
      scene.done.push('answered');
      return outcome;
    },
    record: undefined,
    electedBy: 'lease',
    release: async () => void scene.done.push('released'),
  };
  const leadership = createLeadership({
    candidate,
    store: { read: async () => undefined },
    leaseMs,
    alone: false,
    clock: { now: () => 0 },
    monotonic: () => scene.elapsed,
    log: { info: () => undefined, warn: () => undefined },
    onStatus: () => undefined,
    onVacant: () => undefined,
  });
  t.after(() => leadership.close());
  const scene: Scene = {
    leadership,
    asked: [],
    done: [],
    elapsed: 0,
    answer: () => granted(true),
    async look() {
      const before = scene.done.length;
      leadership.wake();
      await eventually(() => assert.ok(scene.done.length > before));
      await turn();
    },
  };
  const granted = (databaseKnows: boolean): Outcome => ({
    kind: 'granted',
    epoch: 1n,
    at: scene.elapsed,
    settleMs: 0,
    databaseKnows,
  });
  return scene;
}

/** The Lease is held, and the database does not answer. */
const byTheLeaseAlone = (scene: Scene) => (): Outcome => ({
  kind: 'granted',
  epoch: 1n,
  at: scene.elapsed,
  settleMs: 0,
  databaseKnows: false,
});

test('a leader without its database lets others go first after a minute', async (t) => {
  const scene = setUp(t);
  await scene.leadership.start([]);
  scene.answer = byTheLeaseAlone(scene);
  for (scene.elapsed = 10_000; scene.elapsed <= 60_000; scene.elapsed += 10_000) {
    await scene.look();
    assert.ok(scene.leadership.term, `leads after ${scene.elapsed} ms`);
  }
  const alone = scene.answer;
  scene.answer = () => (scene.asked.at(-1) ? { kind: 'denied' } : alone());
  await scene.look();
  assert.equal(scene.leadership.term, undefined);
  await eventually(() => assert.ok(scene.done.includes('released')));
  await scene.look();
  assert.equal(scene.asked.at(-1), true);
});

test('a database that answers now and then costs no term', async (t) => {
  const scene = setUp(t);
  const whole = scene.answer;
  await scene.leadership.start([]);
  for (scene.elapsed = 10_000; scene.elapsed <= 200_000; scene.elapsed += 10_000) {
    scene.answer = scene.elapsed % 50_000 === 0 ? whole : byTheLeaseAlone(scene);
    await scene.look();
    assert.ok(scene.leadership.term, `leads after ${scene.elapsed} ms`);
  }
});

test('what is let go of is not taken again by a look that is under way', async (t) => {
  const scene = setUp(t);
  const gate = Promise.withResolvers<void>();
  t.after(() => gate.resolve());
  await scene.leadership.start([]);
  const whole = scene.answer;
  scene.answer = async () => {
    await gate.promise;
    return whole();
  };
  const before = scene.asked.length;
  scene.leadership.wake();
  await eventually(() => assert.ok(scene.asked.length > before));
  const closed = scene.leadership.close();
  assert.equal(scene.leadership.term, undefined, 'the work ends at once');
  await turn();
  gate.resolve();
  await closed;
  assert.deepEqual(scene.done, ['answered', 'answered', 'released']);
});
