import pg from 'pg';
import { Fault } from '../fault.ts';

/**
 * SQLSTATE classes that mean "not now" rather than "not so": 08 connection, 53 out of resources, 57 operator
 * intervention (shutdown, cancelled by statement_timeout), 58 system error; 25006 is a primary that became a standby.
 */
const outageStates = /^(08|53|57|58)|^25006$/;

/** What the driver says, without a code, of a connection that it lost. */
const outageMessages =
  /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error|Client was closed|Cannot use a pool after calling end|This socket has been ended)/;

/**
 * Makes a Fault `database-unavailable` of an error that says the database is out of reach, and leaves every other
 * error as it is. While connecting, everything is an outage: a wrong password, too, is nothing the caller can mend.
 */
export function toFault(error: unknown, phase: 'connecting' | 'querying'): unknown {
  if (error instanceof Fault) return error;
  if (phase === 'querying' && !isOutage(error)) return error;
  return new Fault('database-unavailable', 'The database is not reachable', { cause: error });
}

function isOutage(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return outageStates.test(error.code ?? '');
  if (!(error instanceof Error)) return false;
  // Node's system errors (ECONNREFUSED, ECONNRESET, ENOENT of a socket …) carry the failing system call.
  return 'syscall' in error || outageMessages.test(error.message);
}
