import type { Clock } from '../clock.ts';
import { Fault } from '../fault.ts';

/** One thing that has to work, such as the database. */
export interface HealthCheck {
  readonly name: string;
  /** Without it the service is not ready. A check that is not required is reported, and nothing more. */
  readonly required: boolean;
  /** Resolves when all is well, throws when not. The message of a `Fault` is shown; that of another error is not. */
  check(): Promise<void>;
}

export interface CheckResult {
  readonly name: string;
  readonly required: boolean;
  readonly status: 'ok' | 'failing';
  readonly detail?: string;
}

export interface HealthReport {
  readonly ready: boolean;
  readonly checks: readonly CheckResult[];
}

export interface Health {
  /** Never rejects, and answers within the timeout whatever the checks do. */
  report(): Promise<HealthReport>;
  /** From now on not ready, so that load balancers look elsewhere while requests in flight finish. */
  drain(): void;
}

export interface HealthOptions {
  readonly clock: Clock;
  readonly checks: readonly HealthCheck[];
  /** A result stands for this long, so that probes cost nothing however often they come. */
  readonly cacheSeconds?: number;
  /** A check that takes longer counts as failing. Below the probe's own timeout. */
  readonly timeoutSeconds?: number;
}

/** The readiness of the process. Each check runs at most once at a time: one that hangs does not pile up. */
export function createHealth({
  clock,
  checks,
  cacheSeconds = 1,
  timeoutSeconds = 1.5,
}: HealthOptions): Health {
  const probes = checks.map((check) => remember(check, clock, cacheSeconds * 1000, timeoutSeconds * 1000));
  let draining = false;
  return {
    drain: () => {
      draining = true;
    },
    report: async () => {
      const results = await Promise.all(probes.map((probe) => probe()));
      if (draining) {
        const detail = 'the service is shutting down';
        results.unshift({ name: 'draining', required: true, status: 'failing', detail });
      }
      return {
        ready: results.every(({ required, status }) => !required || status === 'ok'),
        checks: results,
      };
    },
  };
}

/** A check that has not settled after this many timeouts is given up and tried afresh, e.g. on a new connection. */
const abandonAfterTimeouts = 10;

function remember(
  check: HealthCheck,
  clock: Clock,
  cacheMs: number,
  timeoutMs: number,
): () => Promise<CheckResult> {
  const { name, required } = check;
  let last: { result: CheckResult; at: number } | undefined;
  let running: { result: Promise<CheckResult>; since: number } | undefined;
  const start = (): { result: Promise<CheckResult>; since: number } => {
    const run = { result: outcome(check), since: clock.now() };
    run.result.then((result) => {
      if (running !== run) return;
      last = { result, at: clock.now() };
      running = undefined;
    });
    return run;
  };
  return () => {
    const now = clock.now();
    if (last !== undefined && now >= last.at && now < last.at + cacheMs) return Promise.resolve(last.result);
    if (running === undefined || now - running.since > abandonAfterTimeouts * timeoutMs) running = start();
    const late: CheckResult = { name, required, status: 'failing', detail: 'no answer in time' };
    return firstOf(running.result, timeoutMs, late);
  };
}

async function outcome({ name, required, check }: HealthCheck): Promise<CheckResult> {
  try {
    await check();
    return { name, required, status: 'ok' };
  } catch (error) {
    const detail = error instanceof Fault ? error.message : 'failed; see the log';
    return { name, required, status: 'failing', detail };
  }
}

function firstOf<T>(promise: Promise<T>, ms: number, otherwise: T): Promise<T> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(otherwise), ms);
    promise.then((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}
