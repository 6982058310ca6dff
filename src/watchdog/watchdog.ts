import type { LeaderWork } from '../leadership/leadership.ts';
import type { Finding, SeenPlace } from '../store/published-places.ts';

export type { Finding, SeenPlace } from '../store/published-places.ts';

/**
 * Reads back what is really published, and holds it against what should be there by now. It believes nothing that the parts which
 * publish remember.
 */
export interface Watchdog {
  /** The service listens at this address. Resolves when it has looked at itself once; never rejects. */
  start(url: string): Promise<void>;
  /** One round over every place that is this replica's to look at. Never rejects. */
  look(): Promise<void>;
  /**
   * Resolves when this process serves a CRL of every authority that holds now. What is not well is looked at again first.
   * @throws Fault `conflict`
   */
  assertServing(): Promise<void>;
  /** What was seen last at each place but the replicas themselves; the same on every replica, as far as the database answers. */
  seen(): Promise<SeenPlace[]>;
  /** Looks at all that is published, not only at this process and at the copy in its namespace. */
  readonly leaderWork: LeaderWork;
  readonly figures: WatchdogFigures;
  close(): Promise<void>;
}

/** For metrics: as of now. */
export interface WatchdogFigures {
  crls(): Iterable<{ readonly place: string; readonly authority: string; readonly nextUpdate: Date }>;
  faults(): Iterable<{ readonly place: string; readonly finding: Exclude<Finding, 'current'> }>;
  /** As `Unlisted.list`. */
  unlisted(): Iterable<{ readonly authority: string; readonly seconds: number }>;
  /** Places of the last round. */
  readonly places: number;
  /** When the last round was complete, or when the first one was to begin; in milliseconds since 1970. */
  readonly roundAt: number;
  readonly intervalSeconds: number;
}
