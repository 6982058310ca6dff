import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Runs openssl among `files` (name to content) in a directory of its own; returns its output, throws when it fails. */
export function openssl(
  args: readonly string[],
  files: Readonly<Record<string, string | Buffer>> = {},
): string {
  const directory = mkdtempSync(join(tmpdir(), 'internal-ca-'));
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
    return execFileSync('openssl', args, {
      cwd: directory,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}
