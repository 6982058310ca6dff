import { availableParallelism, cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { cpuPerCertificate } from './cpu.ts';
import { crlBuild } from './crl.ts';
import { refusalAtTheDoor } from './door.ts';
import { certificatesOverHttp } from './http.ts';
import { importing } from './import.ts';
import { ocspAnswers } from './ocsp.ts';
import { revocationIndex } from './revocation-index.ts';
import { startToReady } from './start.ts';
import { formatReport, type Report } from './support/report.ts';
import type { Benchmark } from './support/run.ts';
import { liveVerification } from './verify.ts';

/**
 * `npm run bench`: every benchmark, a table each. `-- --only cpu,crl` runs some; `-- --quick` is for a look;
 * `-- --json` prints one JSON document for machines. Nothing here asserts a time.
 */
const benchmarks: Readonly<Record<string, Benchmark>> = {
  cpu: cpuPerCertificate,
  http: certificatesOverHttp,
  crl: crlBuild,
  index: revocationIndex,
  import: importing,
  ocsp: ocspAnswers,
  verify: liveVerification,
  door: refusalAtTheDoor,
  start: startToReady,
};

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
    },
  });
  const names = values.only?.split(',') ?? Object.keys(benchmarks);
  const reports: Record<string, Report> = {};
  for (const name of names) {
    const benchmark = benchmarks[name];
    if (benchmark === undefined) {
      throw new Error(`There is no benchmark ${name}; there are ${Object.keys(benchmarks).join(', ')}`);
    }
    const report = await runOne(name, benchmark, values.quick);
    reports[name] = report;
    if (!values.json) process.stdout.write(`${formatReport(report)}\n`);
  }
  if (values.json) {
    process.stdout.write(
      `${JSON.stringify({ machine: machine(), quick: values.quick, reports }, undefined, 2)}\n`,
    );
  }
}

/** Stops and deletes what the benchmark leaves, also when it fails or is interrupted. */
async function runOne(name: string, benchmark: Benchmark, quick: boolean): Promise<Report> {
  await using cleanUp = new AsyncDisposableStack();
  const interrupted = (signal: NodeJS.Signals): void => {
    process.exitCode = signal === 'SIGINT' ? 130 : 143;
    progress(name, 'stopping');
    cleanUp.disposeAsync().finally(() => process.exit());
  };
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  try {
    return await benchmark({ quick, cleanUp, progress: (line) => progress(name, line) });
  } finally {
    process.off('SIGINT', interrupted);
    process.off('SIGTERM', interrupted);
  }
}

/** On standard error, so that the result can be piped; one line that overwrites itself on a terminal. */
function progress(name: string, line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${name}: ${line}\r`);
  else process.stderr.write(`${name}: ${line}\n`);
}

function machine(): object {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    processors: availableParallelism(),
    memoryBytes: totalmem(),
    platform: `${process.platform} ${process.arch}`,
    node: process.versions.node,
    openssl: process.versions.openssl,
  };
}

main().catch((error: unknown) => {
  // An interrupted benchmark fails because its parts are being stopped: that is no news.
  if (process.exitCode !== undefined) return;
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
