/** Pauses between attempts: they double from `initialMs` up to `maxMs`, each shortened at random by up to a half. */
export interface BackOffSettings {
  readonly initialMs: number;
  readonly maxMs: number;
  /** A number in [0, 1); Math.random by default. */
  readonly random?: () => number;
}

export interface BackOff {
  /** Milliseconds to wait before the next attempt. */
  next(): number;
  /** After a success: the next pause is the initial one again. */
  reset(): void;
}

/** The jitter keeps replicas that lost the API server at the same moment from coming back at the same moment. */
export function createBackOff(settings: BackOffSettings): BackOff {
  const random = settings.random ?? Math.random;
  let attempt = 0;
  return {
    next() {
      const ceiling = Math.min(settings.maxMs, settings.initialMs * 2 ** attempt);
      // Past maxMs the exponent is of no use and would end as Infinity.
      if (ceiling < settings.maxMs) attempt += 1;
      return ceiling * (1 - random() / 2);
    },
    reset() {
      attempt = 0;
    },
  };
}
