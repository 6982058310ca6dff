import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { ConfigError } from '../../src/config/config.ts';

/** Writes `text` to a file that goes away with the test. */
export function temporaryFile(t: TestContext, text: string, name = 'internal-ca.yaml'): string {
  const directory = mkdtempSync(join(tmpdir(), 'internal-ca-config-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, name);
  writeFileSync(file, text);
  return file;
}

/** The message of the `ConfigError` that `work` throws. */
export function refusalOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'accepted';
}
