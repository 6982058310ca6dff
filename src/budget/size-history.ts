import type { Clock } from '../clock.ts';
import type { CrlBudgetStore, CrlSize } from '../store/crl-budget.ts';

/** What the copies would have taken on each of the last days, for the forecast. */
export interface SizeHistory {
  list(): readonly CrlSize[];
  /** Notes today's, when it is news, and reads those of before from time to time. */
  follow(sizes: Omit<CrlSize, 'day'>, mayWrite: boolean): Promise<void>;
}

const days = 30;
const dayMs = 86_400_000;
const readEveryMs = 600_000;

export function createSizeHistory(
  store: Pick<CrlBudgetStore, 'noteSize' | 'sizesSince'>,
  clock: Clock,
): SizeHistory {
  let known: readonly CrlSize[] = [];
  let noted = '';
  let readAt = Number.NEGATIVE_INFINITY;

  return {
    list: () => known,
    async follow(sizes, mayWrite) {
      const size = { day: dayOf(clock.now()), ...sizes };
      const text = JSON.stringify(size);
      const isNews = mayWrite && text !== noted;
      if (isNews) await store.noteSize(size);
      if (isNews) noted = text;
      if (!isNews && performance.now() - readAt < readEveryMs) return;
      known = await store.sizesSince(dayOf(clock.now() - days * dayMs));
      readAt = performance.now();
    },
  };
}

/** In UTC. */
function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
