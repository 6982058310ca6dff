import { startDatabase } from './support/database.ts';
import { type IndexRound, runIndexRound } from './support/index-round.ts';
import type { Report, Row } from './support/report.ts';
import { fillRevocations } from './support/revocations.ts';
import type { Run } from './support/run.ts';

const sizes = [1_000, 100_000, 1_000_000];
const bulk = 100_000;
const singles = 50;
const aimedStallMs = 20;
const aimedMegabytes = 100;
const aimedNewsMs = 1_000;

/**
 * What each replica has in memory to answer online from: how long it takes to read, what it takes, and how soon it knows what
 * another replica has revoked. Each round is a database and a process of its own.
 */
export async function revocationIndex(run: Run): Promise<Report> {
  const rows: Row[] = [];
  for (const entries of run.quick ? sizes.slice(0, 2) : sizes) {
    run.progress(`filling in ${entries} revocations`);
    const { url } = await startDatabase(run);
    await fillRevocations(url, 'bench', entries);
    run.progress(`${entries} entries`);
    rows.push(rowOf(await runIndexRound({ url, bulk, singles }, run.cleanUp)));
  }
  return {
    title: 'Every revocation in memory, on each replica',
    columns: [
      { key: 'entries', heading: 'entries' },
      { key: 'loadMs', heading: 'load ms' },
      { key: 'loadStallMs', heading: 'longest stall ms', decimals: 1 },
      { key: 'memoryMegabytes', heading: 'memory MB', decimals: 1 },
      { key: 'lookupNanoseconds', heading: 'lookup ns' },
      { key: 'newsMs', heading: 'news ms', decimals: 1 },
      { key: 'newsWorstMs', heading: 'worst', decimals: 1 },
      { key: 'bulkMs', heading: `${bulk.toLocaleString('en')} at once ms` },
      { key: 'bulkStallMs', heading: 'longest stall ms', decimals: 1 },
    ],
    rows,
    aims: aimsOf(rows),
    notes: [
      `News: from the commit of one revocation until another replica knows, by a notice; the median of ${singles}. At once: one change, from the notice until all of it is known. Stalls are in the CPU of the event loop's own thread.`,
    ],
  };
}

function rowOf(round: IndexRound): Row {
  return { ...round, memoryMegabytes: round.memoryBytes / 1e6 };
}

function aimsOf(rows: readonly Row[]): Report['aims'] {
  const worst = (key: string): number => Math.max(...rows.map((row) => Number(row[key])));
  return [
    {
      text: `no stall of the event loop over ${aimedStallMs} ms`,
      met: Math.max(worst('loadStallMs'), worst('bulkStallMs')) <= aimedStallMs,
    },
    { text: `less than ${aimedMegabytes} MB`, met: worst('memoryMegabytes') < aimedMegabytes },
    { text: 'every replica knows within a second', met: worst('newsWorstMs') < aimedNewsMs },
  ];
}
