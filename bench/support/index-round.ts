import { runWorker } from './child.ts';

/** What bench/revocation-index-worker.ts is told. */
export interface IndexInput {
  readonly url: string;
  /** How many are revoked in one change while the index follows. */
  readonly bulk: number;
  /** How many are revoked one after the other, each timed. */
  readonly singles: number;
}

export interface IndexRound {
  readonly entries: number;
  readonly loadMs: number;
  /** The longest time for which the event loop stood still meanwhile, in its own CPU. */
  readonly loadStallMs: number;
  /** What stays in memory once everything is read. */
  readonly memoryBytes: number;
  /** From the notice until all of them are known. */
  readonly bulkMs: number;
  readonly bulkStallMs: number;
  /** From the answer to a revoke until another replica knows, with a notice; the median, and the longest. */
  readonly newsMs: number;
  readonly newsWorstMs: number;
  readonly lookupNanoseconds: number;
}

export async function runIndexRound(input: IndexInput, cleanUp: AsyncDisposableStack): Promise<IndexRound> {
  // The worker is our own program.
  return (await runWorker('revocation-index-worker.ts', input, cleanUp, ['--expose-gc'])) as IndexRound;
}
