import type { BackOffSettings } from '../../kubernetes/client.ts';
import type { LeaderWork } from '../../leadership/leadership.ts';
import { createWorkQueue } from '../../reconcile/create-work-queue.ts';
import type { WorkResult } from '../../reconcile/work-queue.ts';
import type { ProbeScheduleEntry, ProbeStore } from '../../store/probes.ts';
import type { VerificationRecord, VerificationRecords } from '../verification-records.ts';
import { type DetailedProbeReport, isAboutRecord, type ProbeReports } from './probe-report.ts';

export interface ProbeWorkParts {
  readonly records: Pick<VerificationRecords, 'find'>;
  readonly rows: Pick<ProbeStore, 'schedule'>;
  readonly reports: Pick<ProbeReports, 'latest'>;
  tryDoor(record: VerificationRecord, signal: AbortSignal): Promise<DetailedProbeReport>;
  keep(record: VerificationRecord, report: DetailedProbeReport): Promise<void>;
  /** Each door is tried again after this time. */
  readonly intervalSeconds: number;
  /** Shorter in tests. */
  readonly pace?: ProbePace;
  onFailed(what: string, error: unknown): void;
}

export interface ProbePace {
  /** Between two looks at what is due. */
  readonly pollMs: number;
  /** A door that does not do as wished has this long to reload before that counts. */
  readonly patienceMs: number;
  /** Between two tries within that time; it doubles each time. */
  readonly firstPauseMs: number;
  /** A contradiction is looked at again after this time, if that is sooner than the interval. */
  readonly contradictedSeconds: number;
}

const usualPace: ProbePace = {
  pollMs: 5_000,
  patienceMs: 60_000,
  firstPauseMs: 2_000,
  contradictedSeconds: 60,
};

const retry: BackOffSettings = { initialMs: 2_000, maxMs: 60_000 };

/** Ingresses tried at the same time. */
const concurrency = 2;

/** A door that has not yet been seen to do as wished. */
interface Doubt {
  readonly recordUpdatedAt: number;
  /** On the monotonic clock. */
  readonly since: number;
  readonly pauseMs: number;
}

/** Tries the doors of all enforced Ingresses: soon after something was enforced, and from then on from time to time. */
export function createProbeWork(parts: ProbeWorkParts): LeaderWork {
  let end: (() => Promise<void>) | undefined;
  return {
    name: 'probes',
    async start({ signal }) {
      end = follow(parts, signal);
    },
    async stop() {
      await end?.();
      end = undefined;
    },
  };
}

function follow(parts: ProbeWorkParts, signal: AbortSignal): () => Promise<void> {
  const pace = parts.pace ?? usualPace;
  const doubts = new Map<string, Doubt>();
  /** Being tried. */
  const trying = new Set<string>();
  /** Tried since what is due was last asked for. */
  const tried = new Set<string>();
  const queue = createWorkQueue({
    async reconcile(key) {
      trying.add(key);
      try {
        return await look(parts, pace, doubts, key, signal);
      } finally {
        trying.delete(key);
        tried.add(key);
      }
    },
    concurrency,
    retry,
    onFailed(key, error) {
      if (!signal.aborted) parts.onFailed(`the door of ${key} could not be tried`, error);
    },
  });
  let timer: NodeJS.Timeout | undefined;
  let polling: Promise<void> = Promise.resolve();

  async function poll(): Promise<void> {
    try {
      tried.clear();
      for (const entry of await parts.rows.schedule()) {
        const key = `${entry.namespace}/${entry.name}`;
        // That answer is from before the end of this try. What is still due then is found by the next one.
        if (trying.has(key) || tried.has(key)) continue;
        if (isDue(entry, parts, pace, doubts)) queue.add(key);
      }
    } catch (error) {
      parts.onFailed('the doors to try could not be listed', error);
    }
    if (signal.aborted) return;
    timer = setTimeout(() => {
      polling = poll();
    }, pace.pollMs);
    timer.unref();
  }

  polling = poll();
  return async () => {
    clearTimeout(timer);
    await polling;
    clearTimeout(timer);
    await queue.close();
  };
}

function isDue(
  { namespace, name, recordUpdatedAt, verdict, secondsAgo }: ProbeScheduleEntry,
  { intervalSeconds }: ProbeWorkParts,
  { contradictedSeconds }: ProbePace,
  doubts: ReadonlyMap<string, Doubt>,
): boolean {
  // Its next try is in the queue already.
  if (doubts.get(`${namespace}/${name}`)?.recordUpdatedAt === recordUpdatedAt.getTime()) return false;
  if (verdict === null || secondsAgo === null) return true;
  const pause = verdict === 'contradicted' ? Math.min(contradictedSeconds, intervalSeconds) : intervalSeconds;
  return secondsAgo >= pause;
}

async function look(
  parts: ProbeWorkParts,
  pace: ProbePace,
  doubts: Map<string, Doubt>,
  key: string,
  signal: AbortSignal,
): Promise<WorkResult | undefined> {
  const [namespace = '', name = ''] = key.split('/');
  const record = await parts.records.find(namespace, name);
  if (record?.state !== 'applied' || record.unreadable !== undefined) {
    doubts.delete(key);
    return undefined;
  }
  const report = await parts.tryDoor(record, signal);
  signal.throwIfAborted();
  const again = await patience(parts, pace, doubts, { key, record, report });
  if (again !== undefined) return { againMs: again };
  await parts.keep(record, report);
  doubts.delete(key);
  return undefined;
}

/** Milliseconds to wait for another look before the report counts; undefined when it does. */
async function patience(
  { reports }: ProbeWorkParts,
  { patienceMs, firstPauseMs }: ProbePace,
  doubts: Map<string, Doubt>,
  {
    key,
    record,
    report,
  }: {
    readonly key: string;
    readonly record: VerificationRecord;
    readonly report: DetailedProbeReport;
  },
): Promise<number | undefined> {
  if (report.verdict === 'confirmed') return undefined;
  const standing = await reports.latest(record.namespace, record.name);
  const known = standing !== undefined && isAboutRecord(standing, record) ? standing.verdict : undefined;
  if (known === report.verdict || known === 'contradicted') return undefined;
  const now = performance.now();
  const recordUpdatedAt = record.updatedAt.getTime();
  const present = doubts.get(key);
  const doubt =
    present?.recordUpdatedAt === recordUpdatedAt
      ? present
      : { recordUpdatedAt, since: now, pauseMs: firstPauseMs };
  const left = patienceMs - (now - doubt.since);
  if (left <= 0) return undefined;
  doubts.set(key, { ...doubt, pauseMs: doubt.pauseMs * 2 });
  return Math.min(doubt.pauseMs, left);
}
