import type { Clock } from '../clock.ts';
import { Fault } from '../fault.ts';
import type { Term } from '../leadership/leadership.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { formAtHand, sizeIn } from '../publication/copy-content.ts';
import type { CopyReader } from '../publication/copy-forms.ts';
import type { TrustMaterial } from '../publication/trust-material.ts';
import { createTrouble } from '../reconcile/trouble.ts';
import type { BudgetStage, BudgetState, CrlBudgetStore } from '../store/crl-budget.ts';
import type { CrlForm, PublishedCopy } from '../store/publications.ts';
import type { Budget } from './budget.ts';
import { type BudgetEvents, stageMessages } from './budget-events.ts';
import type { Doors } from './doors.ts';
import { createFullness } from './fullness.ts';
import { nextStage, type OverBudgetPolicy } from './next-stage.ts';
import { createOnlineCopies } from './online-copies.ts';
import { budgetOf, formIn, sizesOf, weightsOf } from './secret-budget.ts';
import { createSizeHistory } from './size-history.ts';

export interface BudgetParts {
  readonly policy: OverBudgetPolicy;
  /** What a copy takes at most. */
  readonly limitBytes: number;
  readonly store: CrlBudgetStore;
  /** Absent without Kubernetes: then there are no copies to decide about, only figures. */
  readonly cluster?: {
    readonly doors: Doors;
    /** Every copy, as the leader has recorded it. */
    copies(): Promise<readonly PublishedCopy[]>;
    readonly events: BudgetEvents;
  };
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, 'secretBudget' | 'secretsOnline'>;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly times?: BudgetTimes;
}

/** In milliseconds. */
export interface BudgetTimes {
  /** How often every replica looks what was decided, and the leader whether it still holds. */
  readonly lookMs: number;
  /** How long the CRL is back in every copy before Ingresses depend on it: a controller has to read it first. */
  readonly settleMs: number;
}

const usualTimes: BudgetTimes = { lookMs: 5_000, settleMs: 60_000 };

export function createBudget(o: BudgetParts): Budget {
  const { store, clock, log, limitBytes } = o;
  const times = o.times ?? usualTimes;
  const policy = o.cluster === undefined ? 'alert' : o.policy;
  const listeners = new Set<() => void>();
  const trouble = createTrouble();
  const history = createSizeHistory(store, clock);
  const fullness = createFullness({ log, events: o.cluster?.events });
  const online = o.cluster && createOnlineCopies({ ...o, ...o.cluster });
  let material: TrustMaterial | undefined;
  let state: BudgetState = { stage: 'full', withoutCrl: [], revision: 0n };
  let withoutCrl: ReadonlySet<string> = new Set();
  let term: Term | undefined;
  let backSince: number | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  /** One after the other: what is decided rests on what was read before. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const run = turn.then(work);
    turn = run.catch(() => undefined);
    return run;
  }

  const movesOnline = () => state.stage === 'online' || state.stage === 'returning';
  const fits = (of: TrustMaterial) => sizeIn(of, formAtHand(of, formIn(state.stage))) <= limitBytes;

  async function read(): Promise<void> {
    const [before, now] = [state, await store.read()];
    state = now;
    withoutCrl = new Set(now.withoutCrl);
    if (before.stage !== now.stage || before.withoutCrl.join() !== now.withoutCrl.join()) {
      for (const listener of listeners) listener();
    }
  }

  function secret() {
    return material && budgetOf({ material, limitBytes, policy, state, history: history.list() });
  }

  /** The figures that every replica shows. */
  function show(): void {
    const budget = secret();
    if (budget === undefined) return;
    o.metrics.secretBudget(budget);
    if (term !== undefined) fullness.note(budget);
  }

  async function decideStage(of: TrustMaterial, leading: Term): Promise<void> {
    const { stage } = state;
    const next = nextStage(stage, weightsOf(of, limitBytes), policy, await isSettled());
    if (next === stage) return;
    await leading.assertCurrent();
    await store.setStage(next, new Date(clock.now()), leading.epoch);
    await read();
    if (state.stage === next) tellMove(stage, next);
  }

  function tellMove(from: BudgetStage, to: BudgetStage): void {
    log.warn({ from, to }, stageMessages[to]);
    o.cluster?.events.moved(to);
  }

  /** Whether every copy has had its CRL for a while again. */
  async function isSettled(): Promise<boolean> {
    if (state.stage !== 'returning' || o.cluster === undefined) {
      backSince = undefined;
      return false;
    }
    const missing = (await o.cluster.copies()).some(({ crlForm }) => crlForm === 'none');
    if (missing) backSince = undefined;
    else backSince ??= performance.now();
    return backSince !== undefined && performance.now() - backSince >= times.settleMs;
  }

  async function reviewCopies(of: TrustMaterial): Promise<void> {
    if (state.stage !== 'online' || online === undefined) {
      o.metrics.secretsOnline(undefined);
      return;
    }
    const { changed, ...figures } = await online.review({ ...state, fits: fits(of) });
    o.metrics.secretsOnline(figures);
    if (changed) await read();
  }

  /** What goes wrong is told once and done again with the next look. */
  async function look(withCopies: boolean): Promise<void> {
    try {
      await read();
      if (material !== undefined) {
        if (term !== undefined) await decideStage(material, term);
        if (term !== undefined && withCopies) await reviewCopies(material);
        await history.follow(sizesOf(material), term !== undefined);
      }
      trouble.over();
    } catch (error) {
      // What was seen last may be so no more.
      o.metrics.secretsOnline(undefined);
      const isOver = term?.signal.aborted === true;
      if (!isOver && trouble.isNews(error)) {
        log.warn({ err: error }, "the Secret's budget is not looked after at present");
      }
    }
    show();
  }

  /** While one takes long, no others pile up behind it. */
  let isLooking = false;
  async function lookAround(): Promise<void> {
    if (isLooking) return;
    isLooking = true;
    await inTurn(() => look(true));
    isLooking = false;
  }
  const timer = setInterval(() => void lookAround(), times.lookMs);
  timer.unref();

  async function leaveOutOfNew(namespace: string, name: string | undefined): Promise<boolean> {
    const copies = (await o.cluster?.copies()) ?? [];
    const isOf = ({ target }: PublishedCopy) => target.startsWith(`secret:${namespace}/`);
    // One that stands has the last CRL that fitted, and keeps it until all who read it are proven to ask.
    if (copies.some((copy) => isOf(copy) && copy.crlForm !== undefined)) return false;
    const proof = await (await o.cluster?.doors.look())?.proofOf(namespace);
    // Another Ingress that names it already, and finds nothing, is closed. It must not be opened by half a copy.
    if (proof === undefined || proof.unproven.some((key) => key !== `${namespace}/${name}`)) return false;
    return await store.leaveOut([namespace], new Date(clock.now()), state.revision);
  }

  async function formForCall(namespace: string, { asksOnline, name }: CopyReader): Promise<CrlForm> {
    await read();
    const form = formOf(namespace);
    if (material === undefined || !movesOnline()) return form;
    if (fits(material)) {
      if (asksOnline) return form;
      // Also where it has one: the leader may be about to take it away, who has not seen this Ingress.
      await store.putBack([namespace]);
    } else if (!asksOnline) {
      throw new Fault(
        'conflict',
        `The CRL does not fit into the Secret of namespace ${namespace} any more, and this Ingress would depend on it`,
      );
    } else if (form === 'none' || !(await leaveOutOfNew(namespace, name))) return form;
    await read();
    return formOf(namespace);
  }

  function formOf(namespace: string): CrlForm {
    return withoutCrl.has(namespace) ? 'none' : formIn(state.stage);
  }

  return {
    async weigh(next) {
      material = next;
      await inTurn(() => look(false));
    },
    of: formOf,
    forCall: (namespace, reader) => inTurn(() => formForCall(namespace, reader)),
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    movesOnline,
    secret,
    leaderWork: {
      name: 'budget',
      async start(begun) {
        term = begun;
        void lookAround();
      },
      async stop() {
        term = undefined;
        o.metrics.secretsOnline(undefined);
        await turn;
      },
    },
    async close() {
      clearInterval(timer);
      await turn;
    },
  };
}
