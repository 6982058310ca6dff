import { Fault } from '../fault.ts';

/** Lets a few works run at once and some wait; whoever comes after that is turned away. */
export interface Gate {
  /** @throws Fault `kubernetes-unavailable` when too many wait; what `work` throws, also to all who wait behind it */
  run<T>(work: () => Promise<T>): Promise<T>;
}

export interface GateLimits {
  readonly running: number;
  readonly waiting: number;
}

interface Waiting {
  readonly begin: () => void;
  readonly giveUp: (error: unknown) => void;
}

/**
 * For questions to one server. When one fails, those that wait fail with it: they would only meet the same outage, one
 * timeout after the other.
 */
export function createGate(limits: GateLimits): Gate {
  const waiting: Waiting[] = [];
  let running = 0;

  async function enter(): Promise<void> {
    if (running < limits.running) {
      running += 1;
      return;
    }
    if (waiting.length >= limits.waiting) {
      throw new Fault('kubernetes-unavailable', 'Too many tokens are being checked; ask again.', {
        retryAfterSeconds: 1,
      });
    }
    // Whoever leaves hands its place on, so `running` stays as it is.
    await new Promise<void>((begin, giveUp) => waiting.push({ begin, giveUp }));
  }

  function leave(): void {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next.begin();
  }

  return {
    async run(work) {
      await enter();
      try {
        return await work();
      } catch (error) {
        for (const { giveUp } of waiting.splice(0)) giveUp(error);
        throw error;
      } finally {
        leave();
      }
    },
  };
}
