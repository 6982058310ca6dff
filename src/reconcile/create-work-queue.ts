import { Fault } from '../fault.ts';
import { type BackOff, createBackOff } from '../kubernetes/client.ts';
import type { WorkQueue, WorkQueueOptions } from './work-queue.ts';

/** Keys worked on at the same time, unless the options say otherwise. */
const defaultConcurrency = 4;

interface Caller {
  resolve(): void;
  reject(error: unknown): void;
}

/** A pause that is running. */
interface Pause {
  readonly handle: NodeJS.Timeout;
  /** On the monotonic clock: a wall clock that is set must not hold work up. */
  readonly endsAt: number;
}

interface Item {
  readonly key: string;
  readonly backOff: BackOff;
  ready: boolean;
  running: boolean;
  /** Who waits for the next run. */
  callers: Caller[];
  /** Asked for with `addAfter`. */
  later?: Pause | undefined;
  /** Our own: after a failure, or because the last run asked for another look. Any run makes it needless. */
  own?: Pause | undefined;
}

export function createWorkQueue(o: WorkQueueOptions): WorkQueue {
  const limit = o.concurrency ?? defaultConcurrency;
  const items = new Map<string, Item>();
  /** Ready keys, the next one first. */
  const ready: Item[] = [];
  const running = new Set<Promise<void>>();
  let closed = false;

  function itemOf(key: string): Item {
    let item = items.get(key);
    if (item === undefined) {
      item = { key, backOff: createBackOff(o.retry), ready: false, running: false, callers: [] };
      items.set(key, item);
    }
    return item;
  }

  function makeReady(item: Item, first = false): void {
    if (first && item.ready) ready.splice(ready.indexOf(item), 1);
    else if (item.ready) return;
    item.ready = true;
    // A key that is being worked on is taken up again when that run has ended.
    if (first) ready.unshift(item);
    else ready.push(item);
    fill();
  }

  /** Begins as much as is allowed. */
  function fill(): void {
    while (!closed && running.size < limit) {
      const at = ready.findIndex((item) => !item.running);
      const [item] = at === -1 ? [] : ready.splice(at, 1);
      if (item === undefined) return;
      const run = work(item).finally(() => {
        running.delete(run);
        fill();
      });
      running.add(run);
    }
  }

  async function work(item: Item): Promise<void> {
    const { callers } = item;
    item.callers = [];
    item.ready = false;
    item.running = true;
    item.own = stop(item.own);
    try {
      const result = await o.reconcile(item.key);
      item.backOff.reset();
      if (result?.againMs !== undefined) pause(item, 'own', result.againMs);
      for (const caller of callers) caller.resolve();
    } catch (error) {
      pause(item, 'own', item.backOff.next());
      o.onFailed(item.key, error);
      for (const caller of callers) caller.reject(error);
    } finally {
      item.running = false;
      forgetIdle(item);
    }
  }

  function pause(item: Item, which: 'later' | 'own', delayMs: number): void {
    if (closed) return;
    const endsAt = performance.now() + delayMs;
    const present = item[which];
    if (present !== undefined && present.endsAt <= endsAt) return;
    clearTimeout(present?.handle);
    const handle = setTimeout(() => {
      item[which] = undefined;
      makeReady(item);
    }, delayMs);
    handle.unref();
    item[which] = { handle, endsAt };
  }

  function forgetIdle(item: Item): void {
    if (!item.ready && item.later === undefined && item.own === undefined) items.delete(item.key);
  }

  return {
    add(key) {
      if (!closed) makeReady(itemOf(key));
    },
    addAfter(key, delayMs) {
      if (!closed) pause(itemOf(key), 'later', delayMs);
    },
    now(key) {
      if (closed) return Promise.reject(draining());
      const item = itemOf(key);
      const done = new Promise<void>((resolve, reject) => item.callers.push({ resolve, reject }));
      makeReady(item, true);
      return done;
    },
    async close() {
      closed = true;
      ready.length = 0;
      for (const item of items.values()) {
        item.later = stop(item.later);
        item.own = stop(item.own);
        for (const caller of item.callers.splice(0)) caller.reject(draining());
      }
      items.clear();
      await Promise.all(running);
    },
  };
}

function stop(pause: Pause | undefined): undefined {
  clearTimeout(pause?.handle);
  return undefined;
}

function draining(): Fault {
  return new Fault('draining', 'This work is not done here any more');
}
