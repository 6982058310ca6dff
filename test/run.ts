import { existsSync, globSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Outcome } from './support/outcome.ts';

/**
 * `npm test` runs everything; `npm test -- test/x509 --name "CRL"` runs what it names. One PostgreSQL serves all
 * files (`test/support/global-setup.ts`). The last line says how many tests passed, failed and were skipped.
 */

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const globalSetup = join(root, 'test/support/global-setup.ts');

/** No test takes this long; a file that hangs must not hang the run. */
const fileTimeoutMs = 10 * 60_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { name: { type: 'string' }, concurrency: { type: 'string' } },
});

const files = testFiles(positionals);
if (files.length === 0) fail(`no test files in ${positionals.join(' ')}`);

const outcome = new Outcome((file) => relative(root, file));
const stream = run({
  files,
  cwd: root,
  concurrency: concurrency(values.concurrency),
  timeout: fileTimeoutMs,
  ...(existsSync(globalSetup) ? { globalSetupPath: globalSetup } : {}),
  ...(values.name === undefined ? {} : { testNamePatterns: [new RegExp(values.name)] }),
});
outcome.follow(stream);
const report = stream.compose(new spec());
report.pipe(process.stdout);
report.on('end', () => {
  const strict = Boolean(process.env.CI);
  process.stdout.write(outcome.summary(strict));
  process.exitCode = outcome.succeeded(strict) ? 0 : 1;
});

function testFiles(wanted: readonly string[]): string[] {
  const places = wanted.length === 0 ? [join(root, 'test')] : wanted.map((place) => resolve(place));
  const found = places.flatMap((place) => {
    if (!existsSync(place)) fail(`${place} does not exist`);
    return statSync(place).isDirectory() ? globSync(join(place, '**/*.test.ts')) : [place];
  });
  return [...new Set(found)].sort();
}

function concurrency(wanted: string | undefined): number {
  if (wanted === undefined) return Math.min(4, Math.max(2, availableParallelism()));
  const count = Number(wanted);
  if (!Number.isInteger(count) || count < 1) fail(`--concurrency ${wanted} is not a number of files`);
  return count;
}

function fail(reason: string): never {
  process.stderr.write(`test/run.ts: ${reason}\n`);
  process.exit(2);
}
