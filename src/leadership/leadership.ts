/** The time during which this process leads. */
export interface Term {
  /** Rises with every change of the leader; a write with a lower one than the last is a stale leader's. */
  readonly epoch: bigint;
  /** Aborts the moment that leadership is lost or given up. */
  readonly signal: AbortSignal;
  /**
   * Asks the database whether this is still the newest term.
   * @throws NotLeading; Fault `database-unavailable`
   */
  assertCurrent(): Promise<void>;
}

/** Something that one replica at a time does. */
export interface LeaderWork {
  readonly name: string;
  /** Begins and returns; what it goes on doing ends with `stop`. A rejection is logged and `start` is called again. */
  start(term: Term): Promise<void>;
  /** Called once `term.signal` has aborted. Resolves when nothing of it runs any more. */
  stop(): Promise<void>;
}

export interface LeadershipStatus {
  readonly leading: boolean;
  /** The identity of whoever leads, as last seen. */
  readonly holder?: string;
  /** 0 before anybody has ever led. */
  readonly epoch: bigint;
  /** When the present term of this process began. */
  readonly since?: Date;
  /** What elected the last time that this process looked. */
  readonly electedBy: 'lease' | 'database';
}

/**
 * Elects one process among all that share a database: by a Lease where there is Kubernetes, else by the database. The
 * database numbers the terms, and that number is the fence: who has an older one can no longer write a CRL.
 */
export interface Leadership {
  /** Tries once, and from then on by itself. Every work is started whenever this process begins to lead. */
  start(works: readonly LeaderWork[]): Promise<void>;
  /** Of this process; undefined while another one leads, or nobody. */
  readonly term: Term | undefined;
  status(): LeadershipStatus;
  /** The newest epoch, read from the database now. @throws Fault `database-unavailable` */
  currentEpoch(): Promise<bigint>;
  /**
   * Gives this term to another replica, if one takes it within the time of a lease: this process cannot do the work at
   * present. It stays out for a minute, unless nobody else comes forward.
   */
  resign(reason: string): void;
  /** Stops the works, then lets go of Lease and term, so that another one can take over at once. */
  close(): Promise<void>;
}
