import type { Clock } from '../../src/clock.ts';

/** A clock that stands still until it is moved. */
export interface TestClock extends Clock {
  advance(seconds: number): void;
  set(milliseconds: number): void;
}

export function createTestClock(start = Date.UTC(2026, 10, 23, 12, 0, 0)): TestClock {
  let now = start;
  return {
    now: () => now,
    advance(seconds) {
      now += seconds * 1000;
    },
    set(milliseconds) {
      now = milliseconds;
    },
  };
}
