import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEventLimits } from '../../src/kubernetes/event-limits.ts';
import { createTestClock } from '../support/clock.ts';

const about = (name: string) => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  namespace: 'shop',
  name,
});

function setUp() {
  const clock = createTestClock();
  const limits = createEventLimits(clock);
  return {
    clock,
    limits,
    /** How many are let through until one is not, at most a hundred. */
    spend(name: string): number {
      for (let taken = 0; taken < 100; taken += 1) if (!limits.take(about(name))) return taken;
      return 100;
    },
  };
}

test('rest gives back one in five minutes, and never more than at first', () => {
  const { clock, spend } = setUp();
  assert.equal(spend('web'), 25);
  clock.advance(3 * 300);
  assert.equal(spend('web'), 3);
  clock.advance(1_000 * 300);
  assert.equal(spend('web'), 25);
});

test('a clock that is set back takes nothing away', () => {
  const { clock, limits, spend } = setUp();
  assert.ok(limits.take(about('web')));
  clock.advance(-86_400);
  assert.equal(spend('web'), 24);
});

test('what is remembered is bounded: of many objects, the one that was quiet longest is forgotten', () => {
  const { limits, spend } = setUp();
  assert.equal(spend('web'), 25);
  for (let other = 0; other < 4095; other += 1) limits.take(about(`other-${other}`));
  assert.equal(spend('web'), 0, 'not yet');
  for (let other = 0; other < 4096; other += 1) limits.take(about(`other-${other}`));
  assert.equal(spend('web'), 25);
});
