import { runWorker } from './child.ts';

/** What the load generator (bench/load.ts) is told. */
export interface LoadInput {
  readonly port: number;
  readonly requests: PostedBodies | WholeRequests;
  /** Where in the file to begin. */
  readonly firstBody: number;
  readonly expectedStatus: number;
  readonly connections: number;
  /** A connection for each request, as clients of servers that keep none open have to. */
  readonly reconnect?: boolean;
  /** Before anything is measured. */
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

/** The same POST with another body each time. */
export interface PostedBodies {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** One request body a line, ASCII. */
  readonly bodiesFile: string;
}

/** Requests as they go over the wire. */
export interface WholeRequests {
  /** One a line, base64. */
  readonly requestsFile: string;
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
