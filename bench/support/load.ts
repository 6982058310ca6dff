import { runWorker } from './child.ts';

/** What the load generator (bench/load.ts) is told. */
export interface LoadInput {
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** One request body a line, ASCII. */
  readonly bodiesFile: string;
  /** Where in the file to begin. */
  readonly firstBody: number;
  readonly expectedStatus: number;
  readonly connections: number;
  /** Before anything is measured. */
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export interface LoadResult {
  /** Every answer, the warm-up's among them. */
  readonly answered: number;
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** What the generator itself used, 1 being one core. */
  readonly cpuShare: number;
}

export async function runLoad(input: LoadInput, cleanUp: AsyncDisposableStack): Promise<LoadResult> {
  // The worker is our own program.
  return (await runWorker('load.ts', input, cleanUp)) as LoadResult;
}
