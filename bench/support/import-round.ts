import { runWorker } from './child.ts';

/** What bench/import-worker.ts is told. */
export interface ImportInput {
  readonly url: string;
  /** PEM of the CA. */
  readonly certificate: string;
  readonly key: string;
  readonly kind: 'importCertificates' | 'importIndex' | 'importCrl';
  readonly file: string;
}

export interface ImportRound {
  readonly ms: number;
  /** The most that the process ever had. */
  readonly rssBytes: number;
  /** The longest time for which the event loop stood still, in its own CPU. */
  readonly stallMs: number;
  /** What the report says. */
  readonly read: number;
  readonly problems: number;
}

export async function runImportRound(
  input: ImportInput,
  cleanUp: AsyncDisposableStack,
): Promise<ImportRound> {
  // The worker is our own program.
  return (await runWorker('import-worker.ts', input, cleanUp)) as ImportRound;
}
