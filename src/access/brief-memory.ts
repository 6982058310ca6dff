import type { Clock } from '../clock.ts';

/** Remembers a bounded number of answers for a bounded time; the oldest go first. */
export interface BriefMemory<T> {
  recall(key: string): { readonly value: T } | undefined;
  /** @param at when the question was asked: the answer is no younger than that */
  keep(key: string, value: T, at: number, milliseconds: number): void;
}

interface Kept<T> {
  readonly value: T;
  readonly from: number;
  readonly until: number;
}

export function createBriefMemory<T>(clock: Clock, size: number): BriefMemory<T> {
  const kept = new Map<string, Kept<T>>();
  return {
    recall(key) {
      const found = kept.get(key);
      if (found === undefined) return undefined;
      const now = clock.now();
      // A clock that was set back must not lengthen the life of an answer.
      if (now >= found.from && now < found.until) return found;
      kept.delete(key);
      return undefined;
    },
    keep(key, value, at, milliseconds) {
      kept.delete(key);
      const oldest = kept.size >= size ? kept.keys().next().value : undefined;
      if (oldest !== undefined) kept.delete(oldest);
      kept.set(key, { value, from: at, until: at + milliseconds });
    },
  };
}
