/** The embedded PostgreSQL cannot run; `message` is one line for the operator, with the way out. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';
}

/** The cluster belongs to a server that is still alive, at this moment. */
export class ClusterInUseError extends EmbeddedPostgresError {}
