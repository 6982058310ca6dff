import { setTimeout as pause } from 'node:timers/promises';
import { type BackOffSettings, createBackOff } from '../kubernetes/back-off.ts';
import type { Logger } from '../observability/logger.ts';
import type { LeaderWork, Term } from './leadership.ts';

export interface TermRunParts {
  readonly works: readonly LeaderWork[];
  readonly term: Term;
  /** Pauses between attempts to start a work. */
  readonly retry: BackOffSettings;
  readonly log: Pick<Logger, 'warn'>;
}

/** The works of one term. */
export interface TermRun {
  /** Every work has begun, or has failed to for the first time. */
  readonly begun: Promise<void>;
  /** Call it once the term's signal has aborted. Resolves when nothing of the works runs any more; never rejects. */
  ended(): Promise<void>;
}

export function startTermRun({ works, term, retry, log }: TermRunParts): TermRun {
  const runs = works.map((work) => runWork(work, term, retry, log));
  return {
    begun: Promise.all(runs.map(({ begun }) => begun)).then(() => undefined),
    async ended() {
      await Promise.all(runs.map((run) => run.ended()));
    },
  };
}

function runWork(
  work: LeaderWork,
  term: Term,
  retry: BackOffSettings,
  log: Pick<Logger, 'warn'>,
): { begun: Promise<void>; ended(): Promise<void> } {
  const { signal } = term;
  const backOff = createBackOff(retry);

  async function begin(): Promise<boolean> {
    try {
      await work.start(term);
      return true;
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error, work: work.name }, 'a work of the leader did not begin');
      return false;
    }
  }

  async function beginAgain(): Promise<void> {
    while (!signal.aborted) {
      await pause(backOff.next(), undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted || (await begin())) return;
    }
  }

  const first = begin();
  const last = first.then((succeeded) => (succeeded ? undefined : beginAgain()));
  return {
    begun: first.then(() => undefined),
    async ended() {
      // One that is just beginning is let finish: to stop it in between would be to stop what is not there yet.
      await last;
      await work.stop().catch((error: unknown) => {
        log.warn({ err: error, work: work.name }, 'a work of the leader did not end cleanly');
      });
    },
  };
}
