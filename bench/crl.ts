import { type CrlRound, runCrlRound } from './support/crl-round.ts';
import { startDatabase } from './support/database.ts';
import { median, type Report, type Row } from './support/report.ts';
import { fillRevocations } from './support/revocations.ts';
import type { Run } from './support/run.ts';

const sizes = [1_000, 10_000, 100_000, 1_000_000];
const aimedSeconds = 2;
/** Linear: from one size to the next, ten times the entries, at most so many times the time. */
const linearFactor = 13;

/**
 * A CRL from end to end: the entries out of the embedded PostgreSQL, the encoding, the signature, and the CRL's own
 * row committed; then read back and made PEM, as for publication. Each round is a process of its own.
 */
export async function crlBuild(run: Run): Promise<Report> {
  const rounds = run.quick ? 1 : 3;
  run.progress('starting the database');
  const { url } = await startDatabase(run);
  const measured: { entries: number; rounds: CrlRound[] }[] = [];
  for (const entries of run.quick ? sizes.slice(0, 3) : sizes) {
    const authority = `bench-${entries}`;
    run.progress(`filling in ${entries} revocations`);
    await fillRevocations(url, authority, entries);
    const results: CrlRound[] = [];
    for (let round = 1; round <= rounds; round++) {
      run.progress(`${entries} entries, round ${round} of ${rounds}`);
      results.push(await runCrlRound({ url, authority }, run.cleanUp));
    }
    measured.push({ entries, rounds: results });
  }
  const rows = measured.map(({ rounds: results }) => rowOf(results));
  return {
    title: '(c) A CRL, from the database to its own committed row',
    columns: [
      { key: 'entries', heading: 'entries' },
      { key: 'buildMs', heading: 'build ms' },
      { key: 'entriesPerSecond', heading: 'entries/s' },
      { key: 'buildStallMs', heading: 'longest stall ms' },
      { key: 'serveMs', heading: 'load + PEM ms' },
      { key: 'serveStallMs', heading: 'longest stall ms' },
      { key: 'memoryMegabytes', heading: 'memory MB', decimals: 0 },
      { key: 'megabytes', heading: 'DER MB', decimals: 2 },
    ],
    rows,
    aims: aimsOf(rows),
    notes: [
      `Medians of ${rounds} rounds; stalls and memory are the worst of them. Memory: the peak of the process above what it had before.`,
    ],
  };
}

function rowOf(rounds: readonly CrlRound[]): Row {
  const middle = (figure: (round: CrlRound) => number): number => median(rounds.map(figure));
  const worst = (figure: (round: CrlRound) => number): number => Math.max(...rounds.map(figure));
  const buildMs = middle((round) => round.buildMs);
  const entries = middle((round) => round.entries);
  return {
    entries,
    buildMs,
    entriesPerSecond: (entries / buildMs) * 1000,
    buildStallMs: worst((round) => round.buildStallMs),
    serveMs: middle((round) => round.serveMs),
    serveStallMs: worst((round) => round.serveStallMs),
    memoryMegabytes: worst((round) => round.memoryBytes) / 1e6,
    megabytes: middle((round) => round.sizeBytes) / 1e6,
  };
}

function aimsOf(rows: readonly Row[]): Report['aims'] {
  const largest = rows.at(-1);
  const smaller = rows.at(-2);
  const factor = Number(largest?.buildMs) / Number(smaller?.buildMs);
  const stalls = rows.map((row) => Math.max(Number(row.buildStallMs), Number(row.serveStallMs)));
  return [
    ...(largest?.entries === 1_000_000
      ? [
          {
            text: `1,000,000 entries in less than ${aimedSeconds} s`,
            met: Number(largest.buildMs) < aimedSeconds * 1000,
          },
        ]
      : []),
    {
      text: `linear: the last ten times the entries take ${factor.toFixed(1)} times as long`,
      met: factor <= linearFactor,
    },
    { text: 'no stall of the event loop over 100 ms', met: Math.max(...stalls) <= 100 },
  ];
}
