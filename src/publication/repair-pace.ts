import { type BackOff, createBackOff } from '../kubernetes/client.ts';

/** A quarrel is over when nobody has touched the copy for so long. */
const calmMs = 10 * 60_000;
const longestMs = 60_000;

/** How long an edited copy stands before it is repaired: longer each time, so that two writers do not race each other. */
export interface RepairPace {
  delayMs(target: string): number;
  repaired(target: string): void;
}

/** @param firstMs the pause before a first repair; it doubles up to a minute, and starts anew after ten calm minutes */
export function createRepairPace(firstMs: number, now: () => number = () => performance.now()): RepairPace {
  const quarrels = new Map<string, { readonly backOff: BackOff; delayMs: number; at: number }>();

  function quarrelOf(target: string) {
    const quarrel = quarrels.get(target);
    if (quarrel === undefined || now() - quarrel.at < calmMs) return quarrel;
    quarrels.delete(target);
    return undefined;
  }

  return {
    delayMs: (target) => quarrelOf(target)?.delayMs ?? firstMs,
    repaired(target) {
      const backOff =
        quarrelOf(target)?.backOff ??
        createBackOff({ initialMs: firstMs * 2, maxMs: Math.max(longestMs, firstMs) });
      quarrels.set(target, { backOff, delayMs: backOff.next(), at: now() });
    },
  };
}
