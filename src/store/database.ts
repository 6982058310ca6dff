import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { Fault } from '../fault.ts';
import { copyIn } from './copy-in.ts';
import { copyOut } from './copy-out.ts';
import { toFault } from './database-fault.ts';

/** One SQL statement. */
export interface Statement {
  readonly text: string;
  readonly values?: readonly unknown[];
  /** Makes it a prepared statement of the connection; the same name always means the same text. */
  readonly name?: string;
}

export interface Queryable {
  /** @throws Fault database-unavailable when the database cannot be reached; else the driver's DatabaseError */
  query<Row extends pg.QueryResultRow>(statement: Statement): Promise<Row[]>;
}

/** Reads large values. */
export interface Copyable extends Queryable {
  /**
   * The one bytea that a query without parameters gives, as it is: what has a megabyte is not for rows.
   * @returns undefined when there is no row, or it is null. @throws as `query`
   */
  copyOut(query: string): Promise<Buffer | undefined>;
}

/** What a transaction is made of. */
export interface Transaction extends Copyable {
  /** `COPY … FROM STDIN`: the chunks go to the server as they are, one after the other. @throws as `query` */
  copyIn(text: string, chunks: Iterable<Buffer>): Promise<void>;
}

export interface TransactionOptions {
  readonly isolation?: 'read committed' | 'repeatable read';
}

/** One connection. */
export interface Session extends Copyable {
  /** Commits when `work` resolves, rolls back when it throws; resolves after COMMIT. */
  transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
}

export interface Database extends Session {
  /**
   * Runs `work` while holding the session-level advisory lock `key`: one holder at a time across every process. The
   * lock ends with the session; so what must not outlive it has to go through the session given to `work`.
   * @throws LockBusy when `patienceMs` have passed; without it Fault `database-unavailable` after the statement timeout
   */
  withAdvisoryLock<T>(
    key: string,
    work: (session: Session) => Promise<T>,
    options?: { readonly patienceMs?: number },
  ): Promise<T>;
  /** One round trip. @throws Fault database-unavailable */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** Somebody else has the advisory lock, for longer than the caller would wait. */
export class LockBusy extends Error {
  override readonly name = 'LockBusy';
}

export interface DatabaseOptions {
  readonly url: string;
  /** Connections at most. */
  readonly poolSize: number;
  readonly statementTimeoutMs: number;
  /** For a connection, new or from the pool. */
  readonly connectTimeoutMs: number;
  /** An idle connection broke, e.g. since the server restarted. The pool opens another when it is needed. */
  onIdleError(error: Error): void;
}

/** Longer than the server's own timeout, so that it speaks only when the server does not. */
const clientTimeoutMarginMs = 5_000;

export function openDatabase(options: DatabaseOptions): Database {
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: 'internal-ca',
    max: options.poolSize,
    connectionTimeoutMillis: options.connectTimeoutMs,
    statement_timeout: options.statementTimeoutMs,
    query_timeout: options.statementTimeoutMs + clientTimeoutMarginMs,
    idle_in_transaction_session_timeout: 60_000,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    onConnect: prepareSession,
  });
  let closing = false;
  // Without a listener a broken idle connection would end the process.
  pool.on('error', (error) => {
    if (!closing) options.onIdleError(error);
  });
  const open = countConnections(pool);

  async function withSession<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const client = await pool.connect().catch((error: unknown) => {
      throw toFault(error, 'connecting');
    });
    let broken = false;
    // The pool listens only while a connection is idle; a checked-out one reports through its query.
    const onError = (): void => {
      broken = true;
    };
    client.on('error', onError);
    const session = sessionOf(client, () => {
      broken = true;
    });
    try {
      return await work(session);
    } finally {
      client.off('error', onError);
      client.release(broken);
    }
  }

  return {
    query: (statement) => withSession((session) => session.query(statement)),
    copyOut: (query) => withSession((session) => session.copyOut(query)),
    transaction: (work, transactionOptions) =>
      withSession((session) => session.transaction(work, transactionOptions)),
    withAdvisoryLock: (key, work, lockOptions) =>
      withSession((session) => whileLocked(session, key, work, lockOptions?.patienceMs)),
    async ping() {
      await withSession((session) => session.query({ text: 'select 1', name: 'ping' }));
    },
    async close() {
      closing = true;
      await pool.end();
      await open.none();
    },
  };
}

/** `pool.end()` resolves before its connections are closed; a server that stops then would call that an error. */
function countConnections(pool: pg.Pool): { none(): Promise<void> } {
  let count = 0;
  let wake = (): void => undefined;
  pool.on('connect', () => {
    count += 1;
  });
  pool.on('remove', () => {
    count -= 1;
    if (count === 0) wake();
  });
  return {
    none: () =>
      count === 0
        ? Promise.resolve()
        : new Promise((resolve) => {
            wake = resolve;
          }),
  };
}

/**
 * A certificate or a revocation that was acknowledged must survive a crash of the server: a server or role that is set
 * to `synchronous_commit = off` is overruled for our sessions; every stronger setting stays. And every search has its
 * index, which the default price of a random page, that of a spinning disk, would make the planner avoid. And when our
 * machine dies without a word, the server finds out within half a minute, not after two hours: until then it keeps the locks of
 * the session. (Where the connection is a Unix socket, these have no meaning.)
 */
async function prepareSession(client: pg.ClientBase): Promise<void> {
  await client.query(`select set_config('random_page_cost', '1.1', false),
    set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false),
    set_config('tcp_keepalives_count', '3', false), set_config('tcp_user_timeout', '30000', false),
    case current_setting('synchronous_commit') when 'off' then set_config('synchronous_commit', 'on', false) end`);
}

function sessionOf(client: pg.ClientBase, discard: () => void): Session {
  const mapped = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      const fault = toFault(error, 'querying');
      if (fault !== error) discard();
      throw fault;
    }
  };
  const query: Queryable['query'] = <Row extends pg.QueryResultRow>(statement: Statement) =>
    mapped(async () => {
      const { rows } = await client.query<Row>({
        text: statement.text,
        ...(statement.values === undefined ? {} : { values: [...statement.values] }),
        ...(statement.name === undefined ? {} : { name: statement.name }),
      });
      return rows;
    });
  const all: Transaction = {
    query,
    copyOut: (text) => mapped(() => copyOut(client, text)),
    copyIn: (text, chunks) => mapped(() => copyIn(client, text, chunks)),
  };
  const { copyOut: copy } = all;
  return { query, copyOut: copy, transaction: (work, options) => inTransaction(all, discard, work, options) };
}

async function inTransaction<T>(
  { query, copyIn, copyOut }: Transaction,
  discard: () => void,
  work: (tx: Transaction) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  const failures: unknown[] = [];
  const watched = async <R>(step: Promise<R>): Promise<R> => {
    try {
      return await step;
    } catch (error) {
      failures.push(error);
      throw error;
    }
  };
  await query({ text: `begin isolation level ${options.isolation ?? 'read committed'}` });
  try {
    const result = await work({
      query: (statement) => watched(query(statement)),
      copyOut: (text) => watched(copyOut(text)),
      copyIn: (text, chunks) => watched(copyIn(text, chunks)),
    });
    // The server answers COMMIT of a failed transaction with a ROLLBACK, and no error.
    if (failures.length > 0) throw failures[0];
    await query({ text: 'commit' });
    return result;
  } catch (error) {
    // An outage closes the connection, and with it the transaction.
    if (error instanceof Fault && error.code === 'database-unavailable') discard();
    else await query({ text: 'rollback' }).catch(discard);
    throw error;
  }
}

async function whileLocked<T>(
  session: Session,
  key: string,
  work: (session: Session) => Promise<T>,
  patienceMs: number | undefined,
): Promise<T> {
  if (patienceMs === undefined)
    await session.query({ text: 'select pg_advisory_lock(hashtextextended($1, 0))', values: [key] });
  else await lockWithin(session, key, patienceMs);
  try {
    return await work(session);
  } finally {
    // When the connection is gone, so is the lock.
    await session
      .query({ text: 'select pg_advisory_unlock(hashtextextended($1, 0))', values: [key] })
      .catch(() => undefined);
  }
}

/** Asks again and again, as a lock_timeout would have to be taken back from the session afterwards. */
const askAgainMs = 50;

async function lockWithin(session: Session, key: string, patienceMs: number): Promise<void> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const [row] = await session.query<{ locked: boolean }>({
      text: 'select pg_try_advisory_lock(hashtextextended($1, 0)) as locked',
      values: [key],
    });
    if (row?.locked === true) return;
    if (performance.now() > end) throw new LockBusy(`The lock ${key} is taken`);
    await pause(askAgainMs);
  }
}
