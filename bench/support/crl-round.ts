import { runWorker } from './child.ts';

/** What bench/crl-worker.ts is told. */
export interface CrlInput {
  readonly url: string;
  readonly authority: string;
}

export interface CrlRound {
  readonly entries: number;
  readonly sizeBytes: number;
  /** Reading, encoding, signing, checking and recording. */
  readonly build: CrlFigures;
  /** The same after one more revocation. */
  readonly rebuild: CrlFigures;
  /** Reading the CRL back and encoding it as PEM, as before it is published. */
  readonly serve: CrlFigures;
}

export interface CrlFigures {
  readonly ms: number;
  /** The longest time for which the event loop stood still meanwhile. */
  readonly stallMs: number;
  /** Peak of the process's memory above what it had before. */
  readonly memoryBytes: number;
}

export async function runCrlRound(input: CrlInput, cleanUp: AsyncDisposableStack): Promise<CrlRound> {
  // The worker is our own program.
  return (await runWorker('crl-worker.ts', input, cleanUp, ['--expose-gc'])) as CrlRound;
}
