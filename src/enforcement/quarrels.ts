import type { Clock } from '../clock.ts';

/** Repairs of one Ingress that are undone so often are a quarrel with another writer, which nobody wins. */
export interface Quarrels {
  /** Whether ours was taken away too often lately to be put back now. */
  lasts(key: string): boolean;
  /** Milliseconds until the next attempt makes sense; 0 when it does now. */
  pauseMs(key: string): number;
  repaired(key: string): void;
  forget(key: string): void;
}

/** So many repairs within the window are a quarrel; from then on there is one attempt in each window. */
const limit = 5;
const windowMs = 600_000;

export function createQuarrels(clock: Clock): Quarrels {
  const repairs = new Map<string, number[]>();
  const quarrelling = new Set<string>();

  const lastOf = (key: string) => repairs.get(key)?.at(-1) ?? Number.NEGATIVE_INFINITY;
  // A clock that was set back must not hold a repair up for longer than it would otherwise take.
  const pauseMs = (key: string) => {
    const since = clock.now() - lastOf(key);
    return !quarrelling.has(key) || since >= windowMs || since < 0 ? 0 : windowMs - since;
  };

  return {
    lasts: (key) => pauseMs(key) > 0,
    pauseMs,
    repaired(key) {
      const now = clock.now();
      const recent = (repairs.get(key) ?? []).filter((at) => now - at < windowMs);
      // Peace for a whole window ends the quarrel; the one attempt that each window allows does not.
      if (recent.length === 0 && now - lastOf(key) >= 2 * windowMs) quarrelling.delete(key);
      recent.push(now);
      repairs.set(key, recent);
      if (recent.length >= limit) quarrelling.add(key);
    },
    forget(key) {
      repairs.delete(key);
      quarrelling.delete(key);
    },
  };
}
