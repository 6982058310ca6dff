import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../src/clock.ts';
import {
  createRevocationIndex,
  type RunningRevocationIndex,
} from '../src/revocation/create-revocation-index.ts';
import { type Database, openDatabase } from '../src/store/database.ts';
import { createNotifications, type Notifications } from '../src/store/notifications.ts';
import { closeChange, insertRevocations, newChangeId } from '../src/store/revocation-changes.ts';
import { createRevocationChangesReader } from '../src/store/revocation-changes-reader.ts';
import { workerInput, workerOutput } from './support/child.ts';
import type { IndexInput, IndexRound } from './support/index-round.ts';
import { median } from './support/report.ts';
import { fillRevocations } from './support/revocations.ts';
import { watchStalls } from './support/stall.ts';

/** One replica's index, in a process whose memory is nobody else's; what another replica does, on connections of its own. */

/** It looks when it is told to. */
const pollMs = 3_600_000;
const lookups = 1_000_000;
const stalls = watchStalls();

async function main(): Promise<void> {
  // The parent is our own program.
  const { url, bulk, singles } = (await workerInput()) as IndexInput;
  const [mine, others] = [open(url), open(url)];
  const before = await memory();
  const index = createRevocationIndex({
    reader: createRevocationChangesReader(mine),
    clock: systemClock,
    monotonic: () => performance.now(),
    pollMs,
    onFailed: (error) => process.stderr.write(`${String(error)}\n`),
    onRecovered: () => undefined,
    onLoaded: () => undefined,
  });
  const load = await timed(() => index.start());
  const entries = index.size;
  const memoryBytes = (await memory()) - before;
  const notifications = await listen(url, others, index);
  const lookupNanoseconds = timeLookups(index);
  const news: number[] = [];
  for (let count = 0; count < singles; count++) news.push(await revokeOne(others, notifications, index));
  await fillRevocations(url, 'bench-bulk', bulk);
  const behind = index.position;
  const caughtUp = await timed(async () => {
    index.wake();
    await reached(index, behind + 1n);
  });
  await index.close();
  await notifications.close();
  await Promise.all([mine.close(), others.close()]);
  const round: IndexRound = {
    ...{ entries, memoryBytes, lookupNanoseconds },
    ...{ loadMs: load.ms, loadStallMs: load.stallMs, bulkMs: caughtUp.ms, bulkStallMs: caughtUp.stallMs },
    ...{ newsMs: median(news), newsWorstMs: Math.max(...news) },
  };
  stalls.stop();
  workerOutput(round);
}

function open(url: string): Database {
  return openDatabase({
    url,
    poolSize: 2,
    statementTimeoutMs: 60_000,
    connectTimeoutMs: 5_000,
    onIdleError: () => undefined,
  });
}

async function listen(
  url: string,
  database: Database,
  index: Pick<RunningRevocationIndex, 'wake'>,
): Promise<Notifications> {
  const notifications = createNotifications({
    url,
    database,
    connectTimeoutMs: 5_000,
    retry: { initialMs: 100, maxMs: 1_000 },
    pingMs: 30_000,
    onLost: (error) => process.stderr.write(`${String(error)}\n`),
  });
  await new Promise<void>((resolve) => {
    notifications.listen({ onNotice: () => index.wake(), onListening: resolve });
  });
  return notifications;
}

async function timed(work: () => Promise<void>): Promise<{ ms: number; stallMs: number }> {
  stalls.longest();
  const began = performance.now();
  await work();
  const ms = performance.now() - began;
  return { ms, stallMs: stalls.longest() };
}

/** @returns milliseconds from the COMMIT until the index knows */
async function revokeOne(
  database: Database,
  notifications: Pick<Notifications, 'send'>,
  index: RunningRevocationIndex,
): Promise<number> {
  const serial = randomBytes(16);
  serial[0] = 0x7f;
  const row = {
    ...{
      serial: serial.toString('hex'),
      authority: 'bench',
      certificateId: null,
      entry: serial,
      inCrl: true,
    },
    ...{ notAfter: new Date(Date.now() + 86_400_000), revokedAt: new Date(), requester: 'bench' },
    reason: 'superseded' as const,
  };
  const position = await database.transaction(async (tx) => {
    const change = await newChangeId(tx);
    await insertRevocations(tx, [row], change);
    return await closeChange(tx, change);
  });
  const began = performance.now();
  notifications.send({ kind: 'revoked', authority: 'bench', urgent: false });
  await reached(index, position);
  return performance.now() - began;
}

async function reached(index: RunningRevocationIndex, position: bigint): Promise<void> {
  while (index.position < position) await sleep(1);
}

function timeLookups(index: RunningRevocationIndex): number {
  const serials = Array.from({ length: 1_000 }, () => randomBytes(16).toString('hex'));
  const began = performance.now();
  let found = 0;
  for (let count = 0; count < lookups; count++) {
    if (index.lookup('bench', serials[count % serials.length] ?? '') !== undefined) found += 1;
  }
  if (found > 0) throw new Error('A serial that nobody has was found');
  return ((performance.now() - began) * 1e6) / lookups;
}

async function memory(): Promise<number> {
  globalThis.gc?.();
  await sleep(50);
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

await main();
