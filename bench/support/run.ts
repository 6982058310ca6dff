import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Report } from './report.ts';

/** What a benchmark gets. */
export interface Run {
  /** Fewer and shorter rounds: to see that it works, not to quote. */
  readonly quick: boolean;
  /** Everything started or written goes in here, and away again, however the run ends. */
  readonly cleanUp: AsyncDisposableStack;
  /** Tells a waiting reader what is going on; not part of the result. */
  progress(line: string): void;
}

export type Benchmark = (run: Run) => Promise<Report>;

/** An empty directory, deleted with the run. Others may pass through: as root, PostgreSQL runs under another account. */
export async function temporaryDirectory({ cleanUp }: Pick<Run, 'cleanUp'>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'ica-bench-'));
  cleanUp.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 3 }));
  await chmod(directory, 0o711);
  return directory;
}
