import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import type { Logger } from '../observability/logger.ts';
import { createTrouble } from '../reconcile/trouble.ts';
import { type LeadershipStore, NotLeading } from '../store/leadership.ts';
import { type Candidate, type Outcome, selfImposedPart } from './candidate.ts';
import type { Leadership, LeadershipStatus, LeaderWork, Term } from './leadership.ts';
import type { MonotonicClock } from './observation.ts';
import { startTermRun, type TermRun } from './term-run.ts';

export interface LeadershipParts {
  readonly candidate: Candidate;
  readonly store: Pick<LeadershipStore, 'read'>;
  readonly leaseMs: number;
  /** There is nobody to resign in favour of. */
  readonly alone: boolean;
  readonly clock: Clock;
  readonly monotonic: MonotonicClock;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** After every look. */
  readonly onStatus: (status: LeadershipStatus) => void;
  /** The place is vacant: whoever waits for it need not wait for its next look. */
  readonly onVacant: () => void;
}

export interface RunningLeadership extends Leadership {
  /** Something may have changed: looks now instead of in a while. */
  wake(): void;
}

/** Looks per time of a lease. */
const looksPerLease = 5;
/** Whoever gave leadership away lets others go first for this long. */
const reluctantMs = 60_000;
/** A leader that holds the Lease but has no database for this long lets others try, who may have one. */
const withoutDatabaseMs = 60_000;

/** A term that the database has given us. */
interface Mandate {
  readonly epoch: bigint;
  /** By the monotonic clock. */
  validUntil: number;
  databaseSeenAt: number;
  readonly begins: NodeJS.Timeout;
  expires?: NodeJS.Timeout;
  /** Once its works run. */
  office?: {
    readonly term: Term;
    readonly abort: AbortController;
    readonly run: TermRun;
    readonly since: Date;
  };
}

export function createLeadership(parts: LeadershipParts): RunningLeadership {
  const { candidate, store, leaseMs, monotonic, log } = parts;
  const selfImposedMs = leaseMs * selfImposedPart;
  let works: readonly LeaderWork[] = [];
  let mandate: Mandate | undefined;
  /** The works of the last term, while they end. */
  let ending: Promise<void> | undefined;
  let reluctantUntil = Number.NEGATIVE_INFINITY;
  let looping: Promise<void> | undefined;
  let looking: Promise<void> | undefined;
  let interrupt = new AbortController();
  let closing: Promise<void> | undefined;
  const trouble = createTrouble();

  const isValid = (held: Mandate): boolean => mandate === held && monotonic() < held.validUntil;

  function status(): LeadershipStatus {
    const office = mandate !== undefined && isValid(mandate) ? mandate.office : undefined;
    const holder = candidate.record?.holder;
    return {
      leading: office !== undefined,
      epoch: mandate?.epoch ?? candidate.record?.epoch ?? 0n,
      electedBy: candidate.electedBy,
      ...(holder === undefined ? {} : { holder }),
      ...(office === undefined ? {} : { since: office.since }),
    };
  }

  function take({ epoch, at, settleMs }: Extract<Outcome, { kind: 'granted' }>): void {
    const held: Mandate = {
      epoch,
      validUntil: at + selfImposedMs,
      databaseSeenAt: at,
      begins: setTimeout(() => begin(held), settleMs),
    };
    mandate = held;
    watchExpiry(held);
    if (settleMs === 0) begin(held);
  }

  function begin(held: Mandate): void {
    clearTimeout(held.begins);
    if (!isValid(held) || held.office !== undefined) return;
    const abort = new AbortController();
    const { epoch } = held;
    const term: Term = { epoch, signal: abort.signal, assertCurrent: () => assertCurrent(held) };
    log.info({ epoch: epoch.toString(), electedBy: candidate.electedBy }, 'leading');
    held.office = {
      term,
      abort,
      run: startTermRun({ works, term, retry: { initialMs: 500, maxMs: 10_000 }, log }),
      since: new Date(parts.clock.now()),
    };
    parts.onStatus(status());
  }

  function extend(held: Mandate, { at, databaseKnows }: Extract<Outcome, { kind: 'granted' }>): void {
    held.validUntil = at + selfImposedMs;
    if (databaseKnows) held.databaseSeenAt = at;
    watchExpiry(held);
    if (at - held.databaseSeenAt > withoutDatabaseMs) resign('the database has been away for a minute');
  }

  /** A timer may come a moment early, so it looks at the clock, too. */
  function watchExpiry(held: Mandate): void {
    if (mandate !== held) return;
    clearTimeout(held.expires);
    const left = held.validUntil - monotonic();
    if (left > 0) held.expires = setTimeout(() => watchExpiry(held), Math.ceil(left));
    else lose('it could not be renewed in time');
  }

  /** The signal first, so that no write begins any more; then the works, which may take a while to end. */
  function lose(why: string): void {
    const held = mandate;
    if (held === undefined) return;
    mandate = undefined;
    clearTimeout(held.begins);
    clearTimeout(held.expires);
    const { office, epoch } = held;
    if (office === undefined) return;
    office.abort.abort();
    log.info({ epoch: epoch.toString(), why }, 'not leading any more');
    parts.onStatus(status());
    const ended = office.run.ended();
    afterwards(() => ended);
  }

  /** A new term only begins when this is over, and nothing of the old one runs any more. */
  function afterwards(work: () => Promise<void>): void {
    const whole = (ending ?? Promise.resolve()).then(work).finally(() => {
      if (ending !== whole) return;
      ending = undefined;
      wake();
    });
    ending = whole;
  }

  async function assertCurrent(held: Mandate): Promise<void> {
    watchExpiry(held);
    if (isValid(held) && (await store.read())?.epoch === held.epoch && isValid(held)) return;
    if (isValid(held)) lose('another replica has begun a term');
    throw new NotLeading(held.epoch);
  }

  async function look(): Promise<void> {
    if (ending !== undefined) return;
    const held = mandate;
    const outcome = await candidate.seek(held?.epoch, monotonic() < reluctantUntil);
    if (closing !== undefined || mandate !== held) return;
    report(outcome);
    if (outcome.kind === 'denied' && held !== undefined) giveUp('another replica leads');
    if (outcome.kind !== 'granted') return;
    if (held !== undefined) extend(held, outcome);
    // An answer that came too late is no term: others may have seen it run out. The next look asks again.
    else if (monotonic() < outcome.at + selfImposedMs) take(outcome);
  }

  function report(outcome: Outcome): void {
    if (outcome.kind !== 'unknown') trouble.over();
    else if (trouble.isNews(outcome.error))
      log.warn({ err: outcome.error }, 'who leads cannot be found out at present');
    parts.onStatus(status());
  }

  async function loop(): Promise<void> {
    while (closing === undefined) {
      const untilNext = (leaseMs / looksPerLease) * (1 - Math.random() / 5);
      await pause(untilNext, undefined, { signal: interrupt.signal, ref: false }).catch(() => undefined);
      interrupt = new AbortController();
      if (closing === undefined) await lookOnce();
    }
  }

  async function lookOnce(): Promise<void> {
    looking = look();
    await looking;
  }

  function wake(): void {
    interrupt.abort();
  }

  /** Not while a look is under way, which might take again what is let go of. */
  async function letGo(): Promise<void> {
    await looking;
    try {
      await within(candidate.release(), leaseMs / 2);
    } catch (error) {
      log.warn({ err: error }, 'leadership could not be given up: others wait until it runs out');
    }
    parts.onVacant();
  }

  function giveUp(why: string): void {
    lose(why);
    afterwards(letGo);
  }

  function resign(reason: string): void {
    if (mandate === undefined || parts.alone) return;
    reluctantUntil = monotonic() + reluctantMs;
    giveUp(reason);
  }

  async function close(): Promise<void> {
    giveUp('this process ends');
    wake();
    await looping;
    await ending;
  }

  return {
    async start(list) {
      works = list;
      await lookOnce();
      looping = loop();
      await mandate?.office?.run.begun;
    },
    get term() {
      return mandate !== undefined && isValid(mandate) ? mandate.office?.term : undefined;
    },
    status,
    async currentEpoch() {
      return (await store.read())?.epoch ?? 0n;
    },
    resign,
    wake,
    close() {
      closing ??= close();
      return closing;
    },
  };
}

async function within(work: Promise<void>, ms: number): Promise<void> {
  const late = new AbortController();
  const patience = pause(ms, undefined, { signal: late.signal }).then(() => {
    throw new Error(`not within ${ms} ms`);
  });
  try {
    await Promise.race([work, patience]);
  } finally {
    late.abort();
    patience.catch(() => undefined);
    work.catch(() => undefined);
  }
}
