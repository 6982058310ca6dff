import type { Database } from '../../src/store/database.ts';

/** What a test gives: its context, or the suite's `{ after }`. */
export interface TestScope {
  after(work: () => Promise<void>): void;
}

export interface TestDatabase {
  readonly url: string;
  readonly db: Database;
}

/** A PostgreSQL of its own that a test may stop, start and kill. */
export interface RestartableDatabase extends TestDatabase {
  /** Fast shutdown: from here on the database is not reachable. */
  stop(): Promise<void>;
  /** The same data, the same URL. */
  start(): Promise<void>;
}

/** A new, migrated database on the shared server, dropped after the test. */
export declare function createTestDatabase(t: TestScope): Promise<TestDatabase>;

/** A new server with one migrated database, for tests of an outage. */
export declare function restartableDatabase(t: TestScope): Promise<RestartableDatabase>;
