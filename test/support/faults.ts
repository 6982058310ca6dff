import assert from 'node:assert/strict';
import { Fault } from '../../src/fault.ts';

/** The Fault that the attempt must end in. */
export async function faultOf(attempt: Promise<unknown>): Promise<Fault> {
  const outcome = await attempt.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(outcome instanceof Fault, `a Fault was expected, not ${String(outcome)}`);
  return outcome;
}

/** A `conflict` for this reason and no other. */
export function assertConflict(error: unknown, reason: string): void {
  assert.ok(error instanceof Fault, String(error));
  assert.equal(error.code, 'conflict', error.message);
  assert.deepEqual([...new Set(error.reasons.map(({ code }) => code))], [reason], error.message);
}
