/** A map that forgets what has not been used for longest once its values together are larger than allowed. */
export interface BoundedCache<Value> {
  get(key: string): Value | undefined;
  /** @param octets how much the value counts for */
  set(key: string, value: Value, octets: number): void;
  readonly size: number;
}

/** @param maxOctets a value larger than this is not kept at all */
export function createBoundedCache<Value>(maxOctets: number): BoundedCache<Value> {
  // A Map iterates in the order of insertion: what is used goes to the end of it, so the first is the oldest.
  const entries = new Map<string, { readonly value: Value; readonly octets: number }>();
  let sum = 0;

  function remove(key: string): void {
    const entry = entries.get(key);
    if (entry === undefined) return;
    entries.delete(key);
    sum -= entry.octets;
  }

  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      entries.delete(key);
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value, octets) {
      remove(key);
      if (octets > maxOctets) return;
      entries.set(key, { value, octets });
      sum += octets;
      while (sum > maxOctets) {
        const [oldest] = entries.keys();
        if (oldest === undefined) break;
        remove(oldest);
      }
    },
    get size() {
      return entries.size;
    },
  };
}
