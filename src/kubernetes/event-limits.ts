import type { Clock } from '../clock.ts';
import type { ObjectReference } from './objects.ts';

/** As client-go's spam filter. */
const burst = 25;
const refillMs = 5 * 60_000;
const maxObjects = 4096;

export interface EventLimits {
  /** Whether one more Event about this object may be written now. */
  take(regarding: ObjectReference): boolean;
}

/** A token bucket for each object, of those that were seen last. */
export function createEventLimits(clock: Clock): EventLimits {
  const buckets = new Map<string, { readonly tokens: number; readonly at: number }>();
  return {
    take(regarding) {
      const key = JSON.stringify(regarding);
      const now = clock.now();
      const { tokens, at } = buckets.get(key) ?? { tokens: burst, at: now };
      const present = Math.min(burst, tokens + Math.max(0, now - at) / refillMs);
      const allowed = present >= 1;
      buckets.delete(key);
      buckets.set(key, { tokens: allowed ? present - 1 : present, at: now });
      const [oldest] = buckets.keys();
      if (buckets.size > maxObjects && oldest !== undefined) buckets.delete(oldest);
      return allowed;
    },
  };
}
