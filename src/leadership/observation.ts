/** A clock that never jumps, in milliseconds since any moment: what is measured with it needs no right time of day. */
export type MonotonicClock = () => number;

/**
 * For how long a holder has not renewed, measured by watching: times that somebody else wrote say nothing, as the clocks of two
 * nodes may be minutes apart.
 */
export interface Observation {
  /** Milliseconds since `marker` was first seen, without another one in between. 0 the first time. */
  unchangedMs(marker: string): number;
}

export function createObservation(monotonic: MonotonicClock): Observation {
  let seen: { readonly marker: string; readonly since: number } | undefined;
  return {
    unchangedMs(marker) {
      if (seen?.marker !== marker) seen = { marker, since: monotonic() };
      return monotonic() - seen.since;
    },
  };
}
