import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { keepReport } from '../../../src/enforcement/probe/keep-report.ts';
import type { DetailedProbeReport, ProbeVerdict } from '../../../src/enforcement/probe/probe-report.ts';
import { createProbeWork, type ProbePace } from '../../../src/enforcement/probe/probe-work.ts';
import { createProbeReports } from '../../../src/enforcement/probe/reports.ts';
import {
  createVerificationRecords,
  type VerificationRecord,
} from '../../../src/enforcement/verification-records.ts';
import type { Term } from '../../../src/leadership/leadership.ts';
import { createClientVerificationStore } from '../../../src/store/client-verifications.ts';
import { createProbeStore } from '../../../src/store/probes.ts';
import { createTestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { ingress } from '../fixtures.ts';
import { recordOf } from './harness.ts';

const record = recordOf(ingress(), ['a.example']);
const pace: ProbePace = { pollMs: 20, patienceMs: 60_000, firstPauseMs: 20, contradictedSeconds: 3600 };

interface Bench {
  /** The verdicts of the next tries; the last one stays. */
  readonly verdicts: (ProbeVerdict | Error | Promise<ProbeVerdict>)[];
  readonly tries: VerificationRecord[];
  readonly failures: string[];
  put(change?: Partial<VerificationRecord>): Promise<void>;
  standing(): Promise<string | undefined>;
  /** The next answer about what is due arrives only when this is resolved, and is then as old as that. */
  holdSchedule(until: Promise<void>): void;
  /** As if the last try had been so long ago. */
  age(seconds: number): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

async function setUp(t: TestContext, change: Partial<ProbePace> = {}): Promise<Bench> {
  const { db } = await createTestDatabase(t);
  const records = createVerificationRecords(createClientVerificationStore(db));
  const rows = createProbeStore(db);
  const reports = createProbeReports(rows, records);
  const verdicts: Bench['verdicts'] = ['confirmed'];
  const tries: VerificationRecord[] = [];
  const failures: string[] = [];
  let held: Promise<void> | undefined;
  const work = createProbeWork({
    records,
    rows: {
      async schedule() {
        const entries = await rows.schedule();
        const until = held;
        held = undefined;
        await until;
        return entries;
      },
    },
    reports,
    intervalSeconds: 900,
    pace: { ...pace, ...change },
    async tryDoor(tried) {
      tries.push(tried);
      const verdict = await ((verdicts.length > 1 ? verdicts.shift() : verdicts[0]) ?? 'confirmed');
      if (verdict instanceof Error) throw verdict;
      return reportOf(tried, verdict);
    },
    keep: (about, report) =>
      keepReport({ rows, reports, metrics: { probed: () => undefined } }, about, report),
    onFailed: (what) => void failures.push(what),
  });
  const leading = new AbortController();
  const term: Term = { epoch: 1n, signal: leading.signal, assertCurrent: async () => undefined };
  const stop = async (): Promise<void> => {
    leading.abort();
    await work.stop();
  };
  t.after(stop);
  return {
    verdicts,
    tries,
    failures,
    put: (more = {}) => records.put({ ...record, ...more }),
    holdSchedule: (until) => {
      held = until;
    },
    standing: async () => (await reports.latest(record.namespace, record.name))?.verdict,
    age: async (seconds) => {
      await db.query({
        text: 'update probes set tried_at = tried_at - make_interval(secs => $1)',
        values: [seconds],
      });
    },
    start: () => work.start(term),
    stop,
  };
}

function reportOf(
  { namespace, name, updatedAt }: VerificationRecord,
  verdict: ProbeVerdict,
): DetailedProbeReport {
  return {
    namespace,
    name,
    verdict,
    probedAt: new Date(),
    recordUpdatedAt: updatedAt,
    hosts: [],
    reasons: [],
  };
}

/** Several rounds of the loop. */
const rounds = () => new Promise((resolve) => setTimeout(resolve, 300));

test('what is enforced is tried soon, and then left for the interval', async (t) => {
  const { put, start, standing, tries, age } = await setUp(t);
  await start();
  await put();
  await eventually(async () => assert.equal(await standing(), 'confirmed'));
  await rounds();
  assert.equal(tries.length, 1);
  // Far enough from the interval that a machine that stands still for minutes changes nothing.
  await age(300);
  await rounds();
  assert.equal(tries.length, 1);
  await age(600);
  await eventually(() => assert.equal(tries.length, 2));
});

test('an answer from before a try asks for no second one', async (t) => {
  const { put, start, standing, tries, verdicts, holdSchedule } = await setUp(t);
  const verdict = Promise.withResolvers<ProbeVerdict>();
  const answer = Promise.withResolvers<void>();
  t.after(() => {
    verdict.resolve('confirmed');
    answer.resolve();
  });
  verdicts.splice(0, 1, verdict.promise, 'confirmed');
  await put();
  await start();
  await eventually(() => assert.equal(tries.length, 1));
  // Asked for and answered in the middle of the try.
  await rounds();
  holdSchedule(answer.promise);
  await rounds();
  // Asked for in the middle of the try, and answered after it.
  verdict.resolve('confirmed');
  await eventually(async () => assert.equal(await standing(), 'confirmed'));
  answer.resolve();
  await rounds();
  assert.equal(tries.length, 1);
});

test('a record that changes is tried anew, one that is being written is not', async (t) => {
  const { put, start, tries } = await setUp(t);
  await put({ state: 'applying' });
  await start();
  await rounds();
  assert.equal(tries.length, 0);
  await put();
  await eventually(() => assert.equal(tries.length, 1));
  const updatedAt = new Date(record.updatedAt.getTime() + 1000);
  await put({ updatedAt });
  await eventually(() => assert.equal(tries.length, 2));
  assert.deepEqual(tries[1]?.updatedAt, updatedAt);
});

test('a door that is still reloading is tried again before anything counts', async (t) => {
  const { put, start, standing, tries, verdicts } = await setUp(t);
  verdicts.splice(0, 1, 'contradicted', 'inconclusive', 'contradicted', 'confirmed');
  await put();
  await start();
  await eventually(async () => {
    assert.notEqual(await standing(), 'contradicted');
    assert.equal(await standing(), 'confirmed');
  });
  assert.equal(tries.length, 4);
});

test('a door in doubt is left alone while its record is written anew', async (t) => {
  const { put, start, verdicts, tries } = await setUp(t);
  verdicts.splice(0, 1, 'contradicted');
  await put();
  await start();
  await eventually(() => assert.ok(tries.length > 1));
  await put({ state: 'applying' });
  await rounds();
  const before = tries.length;
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  assert.equal(tries.length, before);
});

test('a contradiction that lasts counts, and stands while nothing confirms', async (t) => {
  const { put, start, standing, verdicts, age, tries } = await setUp(t, { patienceMs: 100 });
  verdicts.splice(0, 1, 'contradicted');
  await put();
  await start();
  await eventually(async () => assert.equal(await standing(), 'contradicted'));
  const before = tries.length;
  assert.ok(before > 1, 'it was believed at once');
  verdicts.splice(0, 1, 'inconclusive');
  await age(3601);
  await eventually(() => assert.ok(tries.length > before));
  await rounds();
  assert.equal(await standing(), 'contradicted');
  verdicts.splice(0, 1, 'confirmed');
  await age(3601);
  await eventually(async () => assert.equal(await standing(), 'confirmed'));
});

test('a contradicted door is looked at again before the interval is over', async (t) => {
  const { put, start, standing, verdicts, tries, age } = await setUp(t, {
    patienceMs: 0,
    contradictedSeconds: 60,
  });
  verdicts.splice(0, 1, 'contradicted');
  await put();
  await start();
  await eventually(async () => assert.equal(await standing(), 'contradicted'));
  const before = tries.length;
  await age(61);
  await eventually(() => assert.ok(tries.length > before));
});

test('a try that fails is made again', async (t) => {
  const { put, start, standing, verdicts, failures } = await setUp(t);
  verdicts.splice(0, 1, new Error('the API is away'), 'confirmed');
  await put();
  await start();
  await eventually(async () => assert.equal(await standing(), 'confirmed'));
  assert.deepEqual(failures, ['the door of app/web could not be tried']);
});

test('it ends with the term', async (t) => {
  const { put, start, stop, tries } = await setUp(t);
  await start();
  await stop();
  await put();
  await rounds();
  assert.equal(tries.length, 0);
});

test('what comes out after the term has ended does not count', async (t) => {
  const { put, start, stop, standing, tries, verdicts } = await setUp(t);
  const late = Promise.withResolvers<ProbeVerdict>();
  t.after(() => late.resolve('confirmed'));
  verdicts.splice(0, 1, late.promise);
  await put();
  await start();
  await eventually(() => assert.equal(tries.length, 1));
  const stopped = stop();
  late.resolve('confirmed');
  await stopped;
  assert.equal(await standing(), undefined);
});
