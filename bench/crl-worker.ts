import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../src/clock.ts';
import { buildCrl } from '../src/revocation/build-crl.ts';
import { createCrlFiles } from '../src/revocation/crl-files.ts';
import { createCrlStore } from '../src/store/crls.ts';
import { openDatabase } from '../src/store/database.ts';
import { createLeadershipStore } from '../src/store/leadership.ts';
import { makeAuthority } from './support/authority.ts';
import { workerInput, workerOutput } from './support/child.ts';
import type { CrlInput, CrlRound } from './support/crl-round.ts';

/** Builds one authority's CRL as the service does, in a process whose memory is nobody else's. */

const year = 365 * 86_400;
/** Every CRL is due at once. */
const times = {
  validitySeconds: year,
  overlapSeconds: year,
  backdateSeconds: 600,
  clockToleranceSeconds: 60,
};
const resolutionMs = 1;

async function main(): Promise<void> {
  // The parent is our own program.
  const { url, authority: name } = (await workerInput()) as CrlInput;
  const authority = await makeAuthority(name);
  const database = openDatabase({
    url,
    poolSize: 10,
    statementTimeoutMs: 10_000,
    connectTimeoutMs: 5_000,
    onIdleError: () => undefined,
  });
  const crls = createCrlStore(database);
  const files = createCrlFiles(crls, [authority]);
  const term = await createLeadershipStore(database).claim('bench', 60_000, () => true);
  if (term === undefined) throw new Error('Another process leads');
  const signal = new AbortController().signal;
  const before = process.resourceUsage().maxRSS;
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  await sleep(50);
  delay.reset();

  const began = performance.now();
  const built = await buildCrl({ crls, clock: systemClock, times, delta: false }, authority, {
    ...term,
    signal,
  });
  const buildMs = performance.now() - began;
  await sleep(10);
  const buildStallMs = delay.max / 1e6;
  delay.reset();

  const publishing = performance.now();
  await files.refresh(name);
  await (await files.current(name)).pem();
  const serveMs = performance.now() - publishing;
  await sleep(10);
  const serveStallMs = delay.max / 1e6;

  await database.close();
  if (built === undefined) throw new Error('No CRL was due');
  const round: CrlRound = {
    entries: built.entryCount,
    sizeBytes: built.sizeBytes,
    buildMs,
    buildStallMs,
    serveMs,
    serveStallMs,
    memoryBytes: (process.resourceUsage().maxRSS - before) * 1024,
  };
  workerOutput(round);
}

await main();
