import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import { createWorkQueue } from '../../src/reconcile/create-work-queue.ts';
import type { WorkQueueOptions, WorkResult } from '../../src/reconcile/work-queue.ts';

/** A run of `reconcile` that a test ends when it likes. */
interface Run {
  readonly key: string;
  end(result?: WorkResult): void;
  fail(error: Error): void;
}

function setUp(t: TestContext, o: Partial<WorkQueueOptions> = {}) {
  const runs: Run[] = [];
  const failures: [string, unknown][] = [];
  const queue = createWorkQueue({
    reconcile: (key) =>
      new Promise<WorkResult | undefined>((resolve, reject) => {
        runs.push({ key, end: resolve, fail: reject });
      }),
    retry: { initialMs: 1, maxMs: 5 },
    onFailed: (key, error) => failures.push([key, error]),
    ...o,
  });
  t.after(async () => {
    for (const run of runs) run.end();
    await queue.close();
  });
  const keys = () => runs.map(({ key }) => key);
  return { queue, runs, keys, failures };
}

/** Waits for what happens by itself; the test's timeout ends a vain wait. */
async function until(t: TestContext, condition: () => boolean): Promise<void> {
  while (!condition()) await pause(2, undefined, { signal: t.signal });
}

describe('the work queue', { timeout: 20_000 }, () => {
  it('works on a key once, however often it was added while it waited', async (t) => {
    const { queue, runs, keys } = setUp(t, { concurrency: 1 });
    queue.add('first');
    for (let i = 0; i < 5; i += 1) queue.add('second');
    runs[0]?.end();
    await turn();
    runs[1]?.end();
    await turn();
    assert.deepEqual(keys(), ['first', 'second']);
  });

  it('works on a key once more when it was added during its run, and never twice at a time', async (t) => {
    const { queue, runs, keys } = setUp(t);
    queue.add('a');
    queue.add('a');
    queue.add('a');
    await turn();
    assert.deepEqual(keys(), ['a']);
    runs[0]?.end();
    await turn();
    assert.deepEqual(keys(), ['a', 'a']);
    runs[1]?.end();
    await turn();
    assert.deepEqual(keys(), ['a', 'a']);
  });

  it('works on as many keys at a time as it may, in their order, past a key that is busy', async (t) => {
    const { queue, runs, keys } = setUp(t, { concurrency: 2 });
    queue.add('a');
    for (const key of ['a', 'b', 'c', 'd']) queue.add(key);
    await turn();
    assert.deepEqual(keys(), ['a', 'b']);
    runs[1]?.end();
    await turn();
    assert.deepEqual(keys(), ['a', 'b', 'c']);
  });

  it('tries again by itself after a failure, and stops when it has succeeded', async (t) => {
    const { queue, runs, failures, keys } = setUp(t);
    const error = new Error('no');
    queue.add('a');
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      await until(t, () => runs.length === attempt);
      runs.at(-1)?.fail(error);
    }
    await until(t, () => runs.length === 4);
    runs[3]?.end();
    await pause(30);
    assert.deepEqual(keys(), ['a', 'a', 'a', 'a']);
    assert.deepEqual(failures, [
      ['a', error],
      ['a', error],
      ['a', error],
    ]);
  });

  it('waits longer after each failure of a key, and starts anew after a success', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { queue, runs } = setUp(t, { retry: { initialMs: 1_000, maxMs: 8_000, random: () => 0 } });
    queue.add('a');
    const failAndWait = async (pauseMs: number): Promise<void> => {
      const before = runs.length;
      runs.at(-1)?.fail(new Error('no'));
      await turn();
      t.mock.timers.tick(pauseMs - 1);
      assert.equal(runs.length, before, `not before ${pauseMs} ms`);
      t.mock.timers.tick(1);
      assert.equal(runs.length, before + 1, `after ${pauseMs} ms`);
    };
    for (const pauseMs of [1_000, 2_000, 4_000, 8_000, 8_000]) await failAndWait(pauseMs);
    runs.at(-1)?.end();
    await turn();
    queue.add('a');
    await failAndWait(1_000);
  });

  it('does not let the pause of a failed key hold up a new wish for it', async (t) => {
    const { queue, runs } = setUp(t, { retry: { initialMs: 3_600_000, maxMs: 3_600_000 } });
    queue.add('a');
    runs[0]?.fail(new Error('no'));
    await turn();
    queue.add('a');
    await turn();
    assert.equal(runs.length, 2);
  });

  it('does not try again what has succeeded before its pause was over', async (t) => {
    const { queue, runs } = setUp(t, { retry: { initialMs: 40, maxMs: 40 } });
    queue.add('a');
    runs[0]?.fail(new Error('no'));
    await turn();
    queue.add('a');
    await turn();
    runs[1]?.end();
    await pause(120);
    assert.equal(runs.length, 2);
  });

  it('forgets earlier failures of a key that it goes on looking at', async (t) => {
    const { queue, runs } = setUp(t, { retry: { initialMs: 1, maxMs: 3_600_000, random: () => 0 } });
    queue.add('a');
    // Twelve failures in a row would be a pause of seconds; with a success after each two it never is.
    for (let attempt = 1; attempt <= 36; attempt += 1) {
      await until(t, () => runs.length === attempt);
      if (attempt % 3 === 0) runs.at(-1)?.end({ againMs: 1 });
      else runs.at(-1)?.fail(new Error('no'));
    }
  });

  it('looks again when a run asks for it', async (t) => {
    const { queue, runs } = setUp(t);
    queue.add('a');
    runs[0]?.end({ againMs: 1 });
    await until(t, () => runs.length === 2);
    runs[1]?.end();
    await pause(20);
    assert.equal(runs.length, 2);
  });

  it('adds later, and keeps the earlier of two times', async (t) => {
    const { queue, runs } = setUp(t);
    queue.addAfter('a', 3_600_000);
    queue.addAfter('a', 1);
    queue.addAfter('a', 3_600_000);
    await until(t, () => runs.length === 1);
    runs[0]?.end();
    await turn();
    // Adding a key now does not take back what was asked for later.
    queue.addAfter('b', 30);
    queue.add('b');
    await until(t, () => runs.length === 2);
    runs[1]?.end();
    await until(t, () => runs.length === 3);
    assert.equal(runs[2]?.key, 'b');
  });

  it('now: goes before what waits, and answers with the outcome of a run that began after it', async (t) => {
    const { queue, runs, keys } = setUp(t, { concurrency: 1 });
    queue.add('a');
    queue.add('b');
    const outcome = queue.now('a');
    let settled = false;
    outcome.finally(() => {
      settled = true;
    });
    runs[0]?.end();
    await turn();
    assert.equal(settled, false);
    assert.deepEqual(keys(), ['a', 'a']);
    const together = queue.now('b');
    runs[1]?.end();
    await outcome;
    await turn();
    assert.deepEqual(keys(), ['a', 'a', 'b']);
    runs[2]?.end();
    await together;
  });

  it('now: a failure is the answer, and is tried again all the same', async (t) => {
    const { queue, runs } = setUp(t);
    const outcomes = Promise.allSettled([queue.now('a')]);
    runs[0]?.end();
    assert.equal((await outcomes)[0]?.status, 'fulfilled');
    const refused = assert.rejects(queue.now('a'), /no/);
    await turn();
    runs[1]?.fail(new Error('no'));
    await refused;
    await until(t, () => runs.length === 3);
  });

  it('close: waits for what is being worked on, begins nothing, and turns everybody away', async (t) => {
    const { queue, runs, keys } = setUp(t, { concurrency: 1 });
    const running = queue.now('a');
    queue.add('b');
    queue.addAfter('c', 1);
    const waiting = assert.rejects(queue.now('d'), { code: 'draining' });
    let closed = false;
    const closing = queue.close().then(() => {
      closed = true;
    });
    await waiting;
    await pause(10);
    assert.equal(closed, false);
    runs[0]?.end({ againMs: 1 });
    await closing;
    await running;
    queue.add('e');
    await assert.rejects(queue.now('f'), { code: 'draining' });
    await pause(10);
    assert.deepEqual(keys(), ['a']);
  });
});
