import { type CrlFigures, type CrlRound, runCrlRound } from './support/crl-round.ts';
import { startDatabase } from './support/database.ts';
import { opensslCrlMs } from './support/openssl-crl.ts';
import { median, type Report, type Row } from './support/report.ts';
import { fillRevocations } from './support/revocations.ts';
import type { Run } from './support/run.ts';

const sizes = [1_000, 10_000, 100_000, 1_000_000];
const aimedSeconds = 2;
const aimedStallMs = 20;
/** Linear: from one size to the next, ten times the entries, at most so many times the time. */
const linearFactor = 13;
/** `openssl ca` takes minutes for a million. */
const opensslEntries = 100_000;

/**
 * A CRL from end to end: the entries out of the embedded PostgreSQL, the encoding, the signature, the checks, and the CRL's own
 * row committed; again after one more revocation; and read back and made PEM, as for publication. Each round is a process of its
 * own.
 */
export async function crlBuild(run: Run): Promise<Report> {
  const rounds = run.quick ? 1 : 3;
  run.progress('starting the database');
  const { url } = await startDatabase(run);
  const rows: Row[] = [];
  for (const entries of run.quick ? sizes.slice(0, 3) : sizes) {
    const authority = `bench-${entries}`;
    run.progress(`filling in ${entries} revocations`);
    await fillRevocations(url, authority, entries);
    const results: CrlRound[] = [];
    for (let round = 1; round <= rounds; round++) {
      run.progress(`${entries} entries, round ${round} of ${rounds}`);
      results.push(await runCrlRound({ url, authority }, run.cleanUp));
    }
    const opensslMs = entries === opensslEntries ? await opensslCrlMs(run, entries) : undefined;
    rows.push({ ...rowOf(results), ...(opensslMs === undefined ? {} : { opensslMs }) });
  }
  return {
    title: '(c) A CRL, from the database to its own committed row',
    columns: [
      { key: 'entries', heading: 'entries' },
      { key: 'buildMs', heading: 'build ms' },
      { key: 'rebuildMs', heading: 'one more: ms' },
      { key: 'opensslMs', heading: 'openssl ca ms' },
      { key: 'serveMs', heading: 'load + PEM ms' },
      { key: 'stallMs', heading: 'longest stall ms', decimals: 1 },
      { key: 'memoryMegabytes', heading: 'memory MB' },
      { key: 'megabytes', heading: 'DER MB', decimals: 2 },
    ],
    rows,
    aims: aimsOf(rows),
    notes: [
      `Medians of ${rounds} rounds; stalls and memory are the worst of them. Stalls: CPU time of the thread with the event loop, in`,
      'any of the three. Memory: the peak of the process during a build, above what it had before.',
    ],
  };
}

function rowOf(rounds: readonly CrlRound[]): Row {
  const middle = (figure: (round: CrlRound) => number): number => median(rounds.map(figure));
  const worst = (figure: (figures: CrlFigures) => number, of: (round: CrlRound) => CrlFigures[]): number =>
    Math.max(...rounds.flatMap(of).map(figure));
  return {
    entries: middle((round) => round.entries - rounds.indexOf(round) - 1),
    buildMs: middle((round) => round.build.ms),
    rebuildMs: middle((round) => round.rebuild.ms),
    serveMs: middle((round) => round.serve.ms),
    stallMs: worst(
      ({ stallMs }) => stallMs,
      ({ build, rebuild, serve }) => [build, rebuild, serve],
    ),
    memoryMegabytes:
      worst(
        ({ memoryBytes }) => memoryBytes,
        ({ build, rebuild }) => [build, rebuild],
      ) / 1e6,
    megabytes: middle((round) => round.sizeBytes) / 1e6,
  };
}

function aimsOf(rows: readonly Row[]): Report['aims'] {
  const largest = rows.at(-1);
  const smaller = rows.at(-2);
  const factor = Number(largest?.buildMs) / Number(smaller?.buildMs);
  const stalls = rows.map((row) => Number(row.stallMs));
  return [
    ...(largest !== undefined && Number(largest.entries) >= 1_000_000
      ? [
          {
            text: `1,000,000 entries in less than ${aimedSeconds} s`,
            met: Number(largest.buildMs) < aimedSeconds * 1000,
          },
          {
            text: 'no more memory than twice the CRL',
            met: Number(largest.memoryMegabytes) <= 2 * Number(largest.megabytes),
          },
        ]
      : []),
    {
      text: `linear: the last ten times the entries take ${factor.toFixed(1)} times as long`,
      met: factor <= linearFactor,
    },
    { text: `no stall of the event loop over ${aimedStallMs} ms`, met: Math.max(...stalls) <= aimedStallMs },
  ];
}
