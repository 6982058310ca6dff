import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createQuarrels } from '../../src/enforcement/quarrels.ts';

const minute = 60_000;

function start() {
  let now = 1_000_000;
  const quarrels = createQuarrels({ now: () => now });
  return {
    quarrels,
    pass: (ms: number) => {
      now += ms;
    },
    repair: (times: number, everyMs: number) => {
      for (let n = 0; n < times; n += 1) {
        quarrels.repaired('a');
        now += everyMs;
      }
    },
  };
}

test('five repairs within ten minutes are a quarrel, four are not, and another Ingress is not concerned', () => {
  const { quarrels, repair } = start();
  repair(4, minute);
  assert.equal(quarrels.lasts('a'), false);
  repair(1, 0);
  assert.equal(quarrels.lasts('a'), true);
  assert.equal(quarrels.lasts('b'), false);
});

test('repairs that lie far apart are none', () => {
  const { quarrels, repair } = start();
  repair(20, 3 * minute);
  assert.equal(quarrels.lasts('a'), false);
});

test('a quarrel allows one attempt in ten minutes, and says when', () => {
  const { quarrels, repair, pass } = start();
  repair(5, 0);
  assert.equal(quarrels.pauseMs('a'), 10 * minute);
  pass(10 * minute);
  assert.deepEqual([quarrels.lasts('a'), quarrels.pauseMs('a')], [false, 0]);
  repair(1, 0);
  assert.equal(quarrels.lasts('a'), true);
});

test('it ends with peace, and when it is forgotten', () => {
  const { quarrels, repair, pass } = start();
  repair(5, 0);
  pass(20 * minute);
  repair(1, 0);
  assert.equal(quarrels.lasts('a'), false);
  repair(4, 0);
  assert.equal(quarrels.lasts('a'), true);
  quarrels.forget('a');
  assert.equal(quarrels.lasts('a'), false);
});

test('a clock that is set back does not prolong it', () => {
  const { quarrels, repair, pass } = start();
  repair(5, 0);
  pass(-60 * minute);
  assert.equal(quarrels.lasts('a'), false);
});
