import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Content, WatchedPlace } from '../../src/watchdog/content.ts';
import { createPartTurns } from '../../src/watchdog/part-turns.ts';

const never = AbortSignal.any([]);
const well: Content = { kind: 'content', crls: [] };
const ill: Content = { kind: 'missing', detail: 'x' };

/** Parts whose state a test decides; a round does as the watchdog does. */
function setUp(count: number, first = 0) {
  const wrong = new Map<number, Content | Error>();
  const made: number[] = [];
  const doubts: number[] = [];
  const idOf = (index: number) => `url:http://ca.example/${index}`;
  const turns = createPartTurns({
    ...{ count, first, idOf },
    placeOf(index): WatchedPlace {
      made.push(index);
      return {
        id: idOf(index),
        graceSeconds: 60,
        wanted: () => ({ crlsOf: ['ca'], mayHaveCrls: true }),
        async look() {
          const content = wrong.get(index) ?? well;
          if (content instanceof Error) throw content;
          return content;
        },
        doubt: () => void doubts.push(index),
      };
    },
  });
  const indexOf = ({ id }: WatchedPlace) => Number(id.split('/').at(-1));
  return {
    ...{ wrong, made, doubts, idOf, turns },
    async round(wasFaulty: ReadonlySet<string> = new Set()): Promise<number[]> {
      const places = turns.next(wasFaulty);
      for (const place of places) {
        const content = await place.look(never).catch(() => ill);
        if (content !== well) place.doubt();
      }
      return places.map(indexOf);
    },
  };
}

test('one part a round, all of them in turn, from any of them on', async () => {
  const { round } = setUp(4, 6);
  const read: number[][] = [];
  for (let time = 0; time < 6; time += 1) read.push(await round());
  assert.deepEqual(read, [[2], [3], [0], [1], [2], [3]]);
});

test('a part that is not well is read with every round until it is, and the others have their turn', async () => {
  const { round, wrong, made, doubts } = setUp(4);
  wrong.set(1, ill);
  assert.deepEqual(await round(), [0]);
  assert.deepEqual(await round(), [1]);
  assert.deepEqual(await round(), [1, 2]);
  wrong.set(1, new Error('no connection'));
  assert.deepEqual(await round(), [1, 3]);
  assert.deepEqual(await round(), [1, 0]);
  assert.deepEqual(await round(), [1, 2], 'it has no second turn');
  assert.equal(made.filter((index) => index === 1).length, 1, 'it is the same place all the time');
  assert.deepEqual(new Set(doubts), new Set([1]), 'and is read whole');
  wrong.clear();
  assert.deepEqual(await round(), [1, 3]);
  assert.deepEqual(await round(), [0]);
  assert.deepEqual(await round(), [1]);
});

test('a look that somebody has ended says nothing', async () => {
  const { round, wrong, turns } = setUp(4);
  wrong.set(0, ill);
  await round();
  const [place] = turns.next(new Set());
  wrong.set(0, new Error('aborted'));
  await assert.rejects(async () => await place?.look(never));
  assert.deepEqual((await round()).at(0), 0);
});

test('where nothing is well a round stays short, and goes on when something is mended', async () => {
  const { round, wrong } = setUp(8);
  for (let index = 0; index < 8; index += 1) wrong.set(index, ill);
  for (let time = 0; time < 10; time += 1) assert.ok((await round()).length <= 4);
  assert.deepEqual((await round()).sort(), [0, 1, 2, 3]);
  wrong.delete(2);
  assert.deepEqual((await round()).sort(), [0, 1, 2, 3]);
  assert.deepEqual((await round()).sort(), [0, 1, 3, 4]);
  wrong.clear();
  await round();
  assert.deepEqual(await round(), [5]);
});

test('two parts that are not well leave no third to look for', async () => {
  const { round, wrong } = setUp(2);
  for (const index of [0, 1]) wrong.set(index, ill);
  assert.deepEqual(await round(), [0]);
  assert.deepEqual(await round(), [0, 1]);
  assert.deepEqual(await round(), [0, 1]);
});

test('who leads anew reads first what was told of before', async () => {
  const { round, idOf, wrong } = setUp(256);
  wrong.set(17, ill);
  const told = new Set([idOf(17), 'secret:shop/internal-ca']);
  assert.deepEqual(await round(told), [17, 0]);
  assert.deepEqual(await round(told), [17, 1]);
  wrong.clear();
  assert.deepEqual(await round(), [17, 2]);
  assert.deepEqual(await round(), [3]);
  const all = new Set(Array.from({ length: 256 }, (_, index) => idOf(index)));
  assert.equal((await round(all)).length, 4);
});
