import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startChild } from './support/child.ts';
import { startDatabase } from './support/database.ts';
import { median, type Report, type Row } from './support/report.ts';
import { type Run, temporaryDirectory } from './support/run.ts';
import { type ServiceOptions, startService } from './support/service.ts';

const aimedMs = 1_000;

/**
 * From the start of the process to the first 200 of /readyz. A first start creates the CA and its CRL; with the
 * embedded PostgreSQL it creates that too.
 */
export async function startToReady(run: Run): Promise<Report> {
  const rounds = run.quick ? 2 : 5;
  run.progress('starting a database');
  const { url } = await startDatabase(run);
  const external = { dataDirectory: await temporaryDirectory(run), databaseUrl: url };
  const rows: Row[] = [await measure(run, 'node alone', rounds, () => emptyProcess())];
  await readyMilliseconds(external);
  rows.push(
    await measure(run, 'external database, nothing cached', rounds, async () => {
      await rm(join(external.dataDirectory, 'cache'), { recursive: true, force: true });
      return readyMilliseconds(external);
    }),
    await measure(run, 'external database', rounds, () => readyMilliseconds(external)),
  );
  const embedded = { dataDirectory: await temporaryDirectory(run) };
  rows.push(
    await measure(run, 'embedded, first start', rounds, async () =>
      readyMilliseconds({ dataDirectory: await temporaryDirectory(run) }),
    ),
  );
  // The first start makes the directory, the second one fills its cache of compiled code.
  await readyMilliseconds(embedded);
  await readyMilliseconds(embedded);
  rows.push(await measure(run, 'embedded, later start', rounds, () => readyMilliseconds(embedded)));
  const alone = Number(rows[0]?.milliseconds);
  return {
    title: '(d) From the start of the process to ready',
    columns: [
      { key: 'what', heading: '' },
      { key: 'milliseconds', heading: 'ms' },
      { key: 'best', heading: 'best ms' },
      { key: 'ratio', heading: 'times node alone', decimals: 1 },
    ],
    rows: rows.map((row) => ({ ...row, ratio: Number(row.milliseconds) / alone })),
    aims: [
      {
        text: 'less than 1 s with an external database',
        met: rows
          .filter(({ what }) => String(what).startsWith('external'))
          .every(({ milliseconds }) => Number(milliseconds) < aimedMs),
      },
    ],
    notes: [
      `Medians of ${rounds} starts. "node alone" runs an empty program: the least that any start takes.`,
    ],
  };
}

async function measure(run: Run, what: string, rounds: number, once: () => Promise<number>): Promise<Row> {
  const all: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    run.progress(`${what}, ${round} of ${rounds}`);
    all.push(await once());
  }
  return { what, milliseconds: median(all), best: Math.min(...all) };
}

async function readyMilliseconds(options: ServiceOptions): Promise<number> {
  await using stopped = new AsyncDisposableStack();
  const service = await startService(options, stopped);
  return service.readyMilliseconds;
}

async function emptyProcess(): Promise<number> {
  const began = performance.now();
  const { process: child } = startChild(process.execPath, ['--eval', ''], { stdio: 'ignore' });
  await new Promise((resolve) => child.once('exit', resolve));
  return performance.now() - began;
}
