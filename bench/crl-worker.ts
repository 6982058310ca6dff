import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Authority } from '../src/authority/authority.ts';
import { systemClock } from '../src/clock.ts';
import { buildCrl } from '../src/revocation/build-crl.ts';
import { createCrlFiles } from '../src/revocation/crl-files.ts';
import { createCrlStore } from '../src/store/crls.ts';
import { type Database, openDatabase } from '../src/store/database.ts';
import { createLeadershipStore } from '../src/store/leadership.ts';
import { closeChange, insertRevocations, newChangeId } from '../src/store/revocation-changes.ts';
import { encodeRevokedEntry } from '../src/x509/crl.ts';
import { makeAuthority } from './support/authority.ts';
import { workerInput, workerOutput } from './support/child.ts';
import type { CrlFigures, CrlInput, CrlRound } from './support/crl-round.ts';
import { watchStalls } from './support/stall.ts';

/** Builds one authority's CRL as the service does, in a process whose memory is nobody else's. */

const year = 365 * 86_400;
/** Every CRL is due at once. */
const times = {
  validitySeconds: year,
  overlapSeconds: year,
  backdateSeconds: 600,
  clockToleranceSeconds: 60,
};
const memoryEveryMs = 5;

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
  const parts = { crls, clock: systemClock, times, delta: false, held: files.held };
  const buildOne = () => buildCrl(parts, authority, { ...term, signal });
  // As the keeper does it: the present CRL is at hand when the next one is built.
  await files.refresh(name);

  const build = await measure(buildOne);
  const serve = await measure(async () => {
    await files.refresh(name);
    await (await files.current(name)).pem();
  });
  await revokeOne(database, authority);
  const rebuild = await measure(buildOne);

  await database.close();
  const { result: built } = rebuild;
  if (built === undefined) throw new Error('No CRL was due');
  const round: CrlRound = {
    entries: built.entryCount,
    sizeBytes: built.sizeBytes,
    build: build.figures,
    rebuild: rebuild.figures,
    serve: serve.figures,
  };
  workerOutput(round);
}

async function measure<T>(work: () => Promise<T>): Promise<{ figures: CrlFigures; result: T }> {
  // What was there before, and what the collector has not taken away yet, is not of this work.
  globalThis.gc?.();
  await sleep(50);
  const before = process.memoryUsage.rss();
  let peak = before;
  const memory = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, memoryEveryMs);
  const stalls = watchStalls();
  const began = performance.now();
  const result = await work();
  const ms = performance.now() - began;
  const stallMs = stalls.longest();
  stalls.stop();
  clearInterval(memory);
  return { figures: { ms, stallMs, memoryBytes: peak - before }, result };
}

async function revokeOne(database: Database, authority: Authority): Promise<void> {
  const serial = randomBytes(16);
  serial[0] = 1;
  const revokedAt = new Date(Math.floor(Date.now() / 1000) * 1000);
  await database.transaction(async (tx) => {
    const change = await newChangeId(tx);
    const row = {
      serial: serial.toString('hex'),
      authority: authority.name,
      certificateId: null,
      entry: encodeRevokedEntry({ serial, revocationDate: revokedAt }),
      notAfter: new Date(Date.now() + year * 1000),
      revokedAt,
      reason: 'unspecified',
      requester: 'bench',
      inCrl: true,
    } as const;
    await insertRevocations(tx, [row], change);
    await closeChange(tx, change);
  });
}

await main();
