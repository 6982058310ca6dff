/** Tells news from repetitions, so that an outage is told once and not at each attempt. */
export interface Trouble {
  /** Whether this is another cause than the last one since it was over. */
  isNews(error: unknown): boolean;
  over(): void;
}

export function createTrouble(): Trouble {
  let last: string | undefined;
  return {
    isNews(error) {
      const text = error instanceof Error ? error.message : String(error);
      const news = text !== last;
      last = text;
      return news;
    },
    over() {
      last = undefined;
    },
  };
}
